import NIOCore
import NIOEmbedded
import Testing
import WebSocketCompression
import WebSocketCore

@testable import WebSocketNIO

@Suite("A peer that sends faster than it may, on a loop whose clock a test moves", .timeLimit(.minutes(5)))
struct HoldingTests {
    private func limits(_ change: (inout ConnectionLimits) -> Void = { _ in }) -> ConnectionLimits {
        var limits = ConnectionLimits.wide
        limits.messagesPerSecond = 5
        change(&limits)
        return limits
    }

    private func isRead(_ peer: EmbeddedPeer) -> Bool {
        let found = peer.channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }
        return found?.value as? Bool ?? true
    }

    private func flood(_ count: Int) -> [UInt8] { (0..<count).flatMap { WireFrame.text("\($0)").masked } }

    @Test("Its socket is not read for a second at most at a time, and nothing of what it sent is lost")
    func messages() throws {
        let peer = try EmbeddedPeer(limits: limits())
        try peer.receive(flood(30) + WireFrame.ping("p").masked)
        #expect(peer.session.messages.count == 10 && !isRead(peer))
        #expect(peer.wire.frames.isEmpty)  // the ping came after messages that wait
        peer.advance(1_200)
        #expect((14...16).contains(peer.session.messages.count) && !isRead(peer))
        peer.advance(4_000)
        #expect(peer.session.messages == (0..<30).map { .text("\($0)") } && isRead(peer))
        #expect(peer.wire.frames == [.pong("p")])
        #expect(peer.session.events.last != .rateExceeded && peer.handler.tail.isEmpty)
    }

    @Test("What SwiftNIO had read already waits with the rest")
    func lateReads() throws {
        let peer = try EmbeddedPeer(limits: limits())
        for number in 0..<30 { try peer.receive(WireFrame.text("\(number)").masked) }
        #expect(peer.session.messages.count == 10)
        peer.advance(10_000)
        #expect(peer.session.messages == (0..<30).map { .text("\($0)") } && isRead(peer))
    }

    @Test("One that does not stop is told so, and closed with 1008")
    func tooLong() throws {
        let peer = try EmbeddedPeer(limits: limits { $0.maximumPendingAge = 600_000 })
        try peer.receive(flood(400))
        peer.advance(29_000)
        #expect(peer.session.events.last != .rateExceeded && peer.wire.frames.isEmpty)
        peer.advance(3_000)
        #expect(peer.session.events.last == .rateExceeded || peer.session.outcomes.count == 1)
        #expect(peer.session.events.contains(.rateExceeded))
        #expect(peer.wire.frames == [.close(1008, "too many messages or bytes for too long")])
        #expect((150...170).contains(peer.session.messages.count) && peer.handler.tail.isEmpty)
    }

    @Test("A session may close it with a frame of its own")
    func closedBySession() throws {
        let peer = try EmbeddedPeer(limits: limits { $0.maximumHoldTime = 1_000 })
        peer.session.whenRateExceeded = { connection in
            connection.send("too much")
            connection.close(CloseCode(rawValue: 4100), reason: "later")
        }
        try peer.receive(flood(400))
        peer.advance(2_000)
        #expect(peer.wire.frames == [.text("too much"), .close(4100, "later")])
        try peer.receive(WireFrame.close(4100).masked)
        #expect(isRead(peer))
        peer.endInput()
        #expect(
            peer.session.outcomes == [CloseOutcome(code: CloseCode(rawValue: 4100), reason: "later", wasClean: true)])
    }

    @Test("Time in which it is not read is not its silence, nor does its message stand still")
    func silence() throws {
        let peer = try EmbeddedPeer(
            limits: limits {
                $0.pingInterval = 500
                $0.pongTimeout = 500
                $0.assemblyTimeout = 500
            })
        try peer.receive(flood(40) + WireFrame(opcode: 2, payload: [1], isFinal: false).masked)
        for _ in 0..<10 { peer.advance(590) }
        #expect(peer.wire.frames.isEmpty && peer.channel.isActive)
        #expect((37...40).contains(peer.session.messages.count))
        peer.advance(10_000)
        #expect(!peer.channel.isActive)
    }

    @Test("A peer that is closed meanwhile is read on, so that its answer is seen")
    func closing() throws {
        let peer = try EmbeddedPeer(limits: limits())
        try peer.receive(flood(30) + WireFrame.close(1000).masked)
        #expect(!isRead(peer))
        peer.session.connection?.close(.goingAway)
        #expect(isRead(peer) && peer.session.messages.count == 10)
        peer.eventLoop.run()
        peer.endInput()
        #expect(peer.session.outcomes.map(\.wasClean) == [true])
    }

    @Test("A session that takes nothing is handed everything at the end, faster than the rate: there is no later")
    func endOfInput() throws {
        let peer = try EmbeddedPeer(limits: limits())
        peer.session.connection?.setReading(false)
        try peer.receive(flood(50))
        peer.endInput()
        #expect(peer.session.messages == (0..<50).map { .text("\($0)") })
    }

    @Test("A peer that is held, and has ended its side, has said all of it")
    func endOfInputWhileHeld() throws {
        let peer = try EmbeddedPeer(limits: limits())
        try peer.receive(flood(50) + WireFrame.close(1000).masked)
        #expect(peer.session.messages.count == 10)
        peer.endInput()
        #expect(peer.session.messages == (0..<50).map { .text("\($0)") })
        #expect(peer.session.outcomes.map(\.wasClean) == [true])
    }

    @Test("What a peer had sent before it ended its side is read when it is its turn to inflate; then it has ended")
    func endOfInputInLine() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop, compression: DeflateConfiguration(mode: .shared))
        let codecs = try #require(loop.sharedCodecs)
        var payload: [UInt8] = []
        let zeros = [UInt8](repeating: 0, count: 600_000)
        #expect(zeros.withUnsafeBytes { codecs.compressor.compress($0, into: &payload) })
        let long = WireFrame(opcode: 2, payload: payload, isCompressed: true).masked
        let peer = try EmbeddedPeer(loop: loop, eventLoop: eventLoop, codecs: codecs)
        try peer.receive(long + long + WireFrame.text("last").masked + WireFrame.close(1000).masked)
        #expect(peer.session.messages.count == 1, "a turn inflates half a MiB")
        peer.endInput()
        #expect(peer.session.messages.count == 1 && peer.session.outcomes.isEmpty)
        peer.advance(1)
        #expect(peer.session.messages.count == 2 && peer.session.outcomes.isEmpty)
        peer.advance(1)
        #expect(peer.session.messages.count == 3 && peer.session.messages.last == .text("last"))
        #expect(peer.session.outcomes.map(\.wasClean) == [true])
    }

    @Test("Bytes above their rate are waited for like messages")
    func bytes() throws {
        let peer = try EmbeddedPeer(
            limits: limits {
                $0.setMaximumMessage(bytes: 100_000)
                $0.bytesPerSecond = 100_000
                $0.messagesPerSecond = nil
            })
        let message = WireFrame.binary([UInt8](repeating: 1, count: 70_000))
        try peer.receive(message.masked)
        #expect(isRead(peer) && peer.session.messages.count == 1)
        try peer.receive(message.masked)
        #expect(!isRead(peer) && peer.session.messages.count == 2)
        peer.advance(300)
        #expect(!isRead(peer))
        peer.advance(400)
        #expect(isRead(peer))
    }

    @Test("What waits counts as memory of unfinished messages")
    func memory() throws {
        let eventLoop = EmbeddedEventLoop()
        let peer = try EmbeddedPeer(
            loop: .embedded(eventLoop, assemblyBudget: 10_000), eventLoop: eventLoop, limits: limits())
        try peer.receive((0..<20).flatMap { _ in WireFrame.binary([UInt8](repeating: 1, count: 1_500)).masked })
        #expect(peer.wire.frames == [.close(1013, "too many unfinished messages on this server")])
    }

    @Test("A session hears of a silence before the ping leaves; one that requires messages is not content with pongs")
    func requiresMessages() throws {
        let peer = try EmbeddedPeer(
            limits: limits {
                $0.pingInterval = 1_000
                $0.pongTimeout = 1_000
                $0.pongTimeoutCode = CloseCode(rawValue: 4201)
                $0.pingsWithoutData = true
            })
        peer.session.whenSilent = { $0.send("are you there?") }
        for round in 1...3 {
            peer.advance(1_200)
            #expect(
                peer.wire.frames.suffix(2) == [.text("are you there?"), .ping()] && peer.wire.frames.count == 2 * round)
            try peer.receive(WireFrame.pong().masked)
        }
        peer.session.connection?.requireMessagesAsLife()
        peer.advance(1_200)
        try peer.receive(WireFrame.text("yes").masked)
        peer.advance(1_000)
        try peer.receive(WireFrame.pong().masked)
        peer.advance(1_200)
        #expect(peer.wire.frames.last == .close(4201, "no sign of life"))
    }
}
