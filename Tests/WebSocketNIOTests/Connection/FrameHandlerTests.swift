import NIOCore
import NIOEmbedded
import Testing
import WebSocketCompression
import WebSocketCore

@testable import WebSocketNIO

@Suite("The frame handler, on a loop whose clock a test moves", .timeLimit(.minutes(5)))
struct FrameHandlerTests {
    // MARK: - Writing

    @Test("Everything that is sent in one turn of the loop leaves with one write and one flush")
    func oneFlush() throws {
        let peer = try EmbeddedPeer()
        peer.session.whenReceived = { connection, _ in
            for index in 0..<10 { connection.send("answer \(index)") }
        }
        try peer.receive(WireFrame.text("a").masked + WireFrame.ping("p").masked + WireFrame.text("b").masked)
        #expect(peer.wire.flushes == 1)
        #expect(peer.wire.writes == 1)
        let answers = (0..<10).map { WireFrame.text("answer \($0)") }
        #expect(peer.wire.frames == answers + [.pong("p")] + answers)
        try peer.receive(WireFrame.text("c").masked)
        #expect(peer.wire.flushes == 2)
    }

    @Test("Nothing leaves before the end of the turn")
    func endOfTick() throws {
        let peer = try EmbeddedPeer()
        peer.session.connection?.send("later")
        #expect(peer.wire.flushes == 0)
        peer.eventLoop.run()
        #expect(peer.wire.frames == [.text("later")])
    }

    @Test("Small, large and shared frames and the close frame keep their order")
    func order() throws {
        let peer = try EmbeddedPeer()
        let connection = try #require(peer.session.connection)
        let large = [UInt8](repeating: 9, count: 80_000)
        connection.send("1")
        connection.send(.binary, large.span.bytes)
        connection.send(SharedFrame(text: "2"))
        connection.send(SharedFrame(.binary, large))
        connection.send("3")
        connection.close(.normal, reason: "bye")
        connection.send("too late")
        peer.eventLoop.run()
        #expect(
            peer.wire.frames == [
                .text("1"), .binary(large), .text("2"), .binary(large), .text("3"), .close(1000, "bye"),
            ])
    }

    @Test("A client masks everything it sends, a shared frame too (RFC 6455 §5.3)")
    func clientMasks() throws {
        let peer = try EmbeddedPeer(role: .client)
        let connection = try #require(peer.session.connection)
        connection.send("1")
        connection.send(SharedFrame(text: "2"))
        connection.close(.normal)
        peer.eventLoop.run()
        #expect(peer.wire.frames.map(\.isMasked) == [true, true, true])
        #expect(peer.wire.frames.map(\.opcode) == [1, 1, 8])
    }

    @Test("A client masks every frame with another key (RFC 6455 §5.3, §10.3)")
    func clientKeys() throws {
        let peer = try EmbeddedPeer(role: .client)
        for _ in 0..<20 {
            peer.session.connection?.send("the same")
            peer.eventLoop.run()
        }
        let keys = peer.wire.buffers.map { Array($0.readableBytesView.dropFirst(2).prefix(4)) }
        #expect(keys.count == 20 && Set(keys).count == 20)
    }

    @Test("A shared frame to many connections is one buffer")
    func sharedBuffer() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop)
        let peers = try (0..<50).map { _ in try EmbeddedPeer(loop: loop, eventLoop: eventLoop) }
        let frame = SharedFrame(text: "to everybody")
        for peer in peers { peer.session.connection?.send(frame) }
        eventLoop.run()
        let addresses = peers.map { $0.wire.buffers.first?.withUnsafeReadableBytes { $0.baseAddress } }
        #expect(Set(addresses).count == 1)
        #expect(peers.allSatisfy { $0.wire.frames == [.text("to everybody")] })
    }

    @Test("Before a long flush the sockets are looked at once more: what comes meanwhile leaves with the same writes")
    func longFlush() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop)
        let peers = try (0..<64).map { _ in try EmbeddedPeer(loop: loop, eventLoop: eventLoop) }
        for peer in peers { peer.session.connection?.send(SharedFrame(text: "1")) }
        eventLoop.run()
        #expect(peers.allSatisfy { $0.wire.writes == 0 })
        for peer in peers { peer.session.connection?.send(SharedFrame(text: "2")) }
        eventLoop.run()
        #expect(peers.allSatisfy { $0.wire.writes == 0 })
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(peers.allSatisfy { $0.wire.writes == 1 && $0.wire.frames == [.text("1"), .text("2")] })
        for peer in peers.dropLast() { peer.session.connection?.send("3") }
        eventLoop.run()
        #expect(peers.dropLast().allSatisfy { $0.wire.frames.last == .text("3") })
    }

    @Test("What few are sent is not written behind what many were sent before, and the many get half of each flush")
    func fewBesideMany() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop)
        let many = try (0..<2_200).map { _ in try EmbeddedPeer(loop: loop, eventLoop: eventLoop) }
        let few = try (0..<600).map { _ in try EmbeddedPeer(loop: loop, eventLoop: eventLoop) }
        loop.webSocketLoop.queuesForMany(true)
        for peer in many { peer.session.connection?.send(SharedFrame(text: "to many")) }
        loop.webSocketLoop.queuesForMany(false)
        for peer in few { peer.session.connection?.send(SharedFrame(text: "to few")) }
        func written(_ peers: [EmbeddedPeer]) -> Int { peers.reduce(0) { $0 + $1.wire.writes } }
        eventLoop.run()
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(written(few) == 512)
        #expect(written(many) == 512)
        #expect(loop.webSocketLoop.isCrowded)
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(written(few) == 600)
        #expect(written(many) == 1_448)
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(many.allSatisfy { $0.wire.frames == [.text("to many")] })
        #expect(few.allSatisfy { $0.wire.frames == [.text("to few")] })
        #expect(!loop.webSocketLoop.isCrowded)
    }

    @Test("Compressed, it is one buffer for each window, and each reader can inflate its own (RFC 7692 §7.1.2.1)")
    func sharedCompressed() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop, compression: DeflateConfiguration(mode: .shared))
        let windows = [15, 9, 15, 9, 12]
        let peers = try windows.map { bits in
            let parameters = DeflateParameters(
                serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: bits,
                clientMaxWindowBits: 15)
            let codecs = try #require(loop.compression.codecs(for: parameters, role: .server))
            return (
                peer: try EmbeddedPeer(loop: loop, eventLoop: eventLoop, codecs: codecs),
                reader: try #require(
                    CompressionContext(DeflateConfiguration(mode: .shared), budget: CompressionBudget())
                        .codecs(for: parameters, role: .client))
            )
        }
        // A repetition that only a window of more than 512 bytes can refer to.
        var random = SplitMix(seed: 1)
        let block = (0..<2_000).map { _ in UInt8.random(in: 0x61...0x7A, using: &random) }
        let frame = SharedFrame(.text, block + block)
        for (peer, _) in peers { peer.session.connection?.send(frame) }
        eventLoop.run()
        for (peer, reader) in peers {
            let sent = try #require(peer.wire.frames.first)
            #expect(sent.isCompressed)
            var output: [UInt8] = []
            try sent.payload.withUnsafeBytes {
                try reader.decompressor.decompress($0, isFinal: true, maximumBytes: 10_000, into: &output)
            }
            #expect(output == block + block)
        }
        let addresses = peers.map { $0.peer.wire.buffers.first?.withUnsafeReadableBytes { $0.baseAddress } }
        #expect(addresses[0] == addresses[2] && addresses[1] == addresses[3])
        #expect(Set(addresses).count == 3)
    }

    @Test("Of what has a window of its own a loop compresses 256 KiB in a turn, and again in the next one")
    func compressedShare() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop, compression: DeflateConfiguration(mode: .dedicated))
        let peers = try (0..<3).map { _ in
            let codecs = try #require(loop.compression.codecs(for: DeflateParameters(), role: .server))
            return try EmbeddedPeer(loop: loop, eventLoop: eventLoop, codecs: codecs)
        }
        let message = [UInt8](repeating: 9, count: 125_000)
        for _ in 0..<3 {
            for peer in peers {
                peer.wire.clear()
                peer.session.connection?.send(.binary, message.span.bytes)
            }
            eventLoop.run()
            #expect(peers.map { $0.wire.frames.map(\.isCompressed) } == [[true], [true], [false]])
        }
    }

    @Test("A short message is sent as it is even when compression was agreed on (RFC 7692 §6)")
    func shortUncompressed() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop, compression: DeflateConfiguration(mode: .shared))
        let codecs = try #require(loop.sharedCodecs)
        let peer = try EmbeddedPeer(loop: loop, eventLoop: eventLoop, codecs: codecs)
        peer.session.connection?.send("short")
        peer.session.connection?.send(SharedFrame(text: "short"))
        peer.session.connection?.send(String(repeating: "long ", count: 100))
        eventLoop.run()
        #expect(peer.wire.frames.map(\.isCompressed) == [false, false, true])
    }

    // MARK: - Backpressure

    @Test("A session is told once when its reader has caught up, and may send from there")
    func becameWritable() throws {
        let peer = try EmbeddedPeer()
        peer.session.whenWritable = { $0.send("again") }
        let connection = try #require(peer.session.connection)
        let large = [UInt8](repeating: 1, count: 50_000)
        peer.wire.isBlocked = true
        connection.send(.binary, large.span.bytes)
        peer.eventLoop.run()
        #expect(connection.isWritable)
        connection.send(.binary, large.span.bytes)
        peer.eventLoop.run()
        #expect(!connection.isWritable)
        #expect(peer.session.events == [.opened])
        peer.unblock()
        #expect(connection.isWritable)
        #expect(peer.session.events == [.opened, .writable])
        #expect(peer.wire.frames == [.binary(large), .binary(large), .text("again")])
    }

    @Test("One that fills its outbox within a turn is told too, after the flush")
    func fullOutbox() throws {
        let peer = try EmbeddedPeer()
        let connection = try #require(peer.session.connection)
        connection.send(.binary, [UInt8](repeating: 1, count: 70_000).span.bytes)
        #expect(!connection.isWritable)
        #expect(connection.pendingBytes > 70_000)
        peer.eventLoop.run()
        #expect(connection.isWritable)
        #expect(connection.pendingBytes == 0)
        #expect(peer.session.events == [.opened, .writable])
    }

    @Test("While output is blocked only the newest pong is kept (RFC 6455 §5.5.3)")
    func latestPong() throws {
        let peer = try EmbeddedPeer()
        try peer.receive(WireFrame.ping("0").masked)
        peer.wire.isBlocked = true
        peer.session.connection?.send("blocks")
        peer.eventLoop.run()
        for index in 1...100 { try peer.receive(WireFrame.ping("\(index)").masked) }
        #expect(peer.wire.frames == [.pong("0"), .text("blocks")])
        peer.unblock()
        #expect(peer.wire.frames == [.pong("0"), .text("blocks"), .pong("100")])
    }

    // MARK: - Reading

    @Test("A message is handed on whole wherever its frames are cut, and nothing is kept afterwards")
    func everyCut() throws {
        let bytes =
            WireFrame.text("ab").masked + WireFrame(opcode: 1, payload: Array("c".utf8), isFinal: false).masked
            + WireFrame.ping("x").masked + WireFrame(opcode: 0, payload: Array("d".utf8)).masked
            + WireFrame.binary([UInt8](repeating: 3, count: 300)).masked
        let expected: [WebSocketMessage] = [.text("ab"), .text("cd"), .binary([UInt8](repeating: 3, count: 300))]
        for cut in 1..<bytes.count {
            let peer = try EmbeddedPeer()
            try peer.receive(Array(bytes[..<cut]))
            try peer.receive(Array(bytes[cut...]))
            #expect(peer.session.messages == expected, "cut at \(cut)")
            #expect(peer.handler.tail.count == 0)
        }
        let peer = try EmbeddedPeer()
        for byte in bytes {
            try peer.receive([byte])
            #expect(peer.handler.tail.count <= 139)
        }
        #expect(peer.session.messages == expected)
        #expect(peer.handler.tail.count == 0)
    }

    @Test("A session that pauses gets nothing until it resumes, and then everything in order")
    func pause() throws {
        let peer = try EmbeddedPeer()
        peer.session.whenReceived = { connection, _ in connection.setReading(false) }
        let frames = (0..<5).map { WireFrame.text("\($0)") }
        try peer.receive(frames.flatMap(\.masked))
        #expect(peer.session.messages == [.text("0")])
        try peer.receive(WireFrame.text("5").masked)
        for count in 2...6 {
            peer.session.connection?.setReading(true)
            #expect(peer.session.messages.count == count)
        }
        #expect(peer.session.messages == (0...5).map { .text("\($0)") })
    }

    @Test("Pings are answered while a session pauses, up to the next message (RFC 6455 §5.5.2)")
    func pingsWhilePaused() throws {
        let peer = try EmbeddedPeer()
        peer.session.whenReceived = { connection, _ in connection.setReading(false) }
        try peer.receive(WireFrame.text("1").masked + WireFrame.ping("a").masked)
        #expect(peer.wire.frames == [.pong("a")])
        try peer.receive(WireFrame.pong("unasked").masked + WireFrame.ping("b").masked.prefix(4))
        try peer.receive(WireFrame.ping("b").masked.suffix(3) + WireFrame.ping("c").masked)
        #expect(peer.wire.frames == [.pong("a"), .pong("b"), .pong("c")])
        #expect(peer.handler.tail.isEmpty)
        try peer.receive(WireFrame.text("2").masked + WireFrame.ping("d").masked + WireFrame.text("3").masked)
        #expect(peer.wire.frames.count == 3)
        #expect(peer.session.messages == [.text("1")])
        peer.session.connection?.setReading(true)
        #expect(peer.session.messages == [.text("1"), .text("2")])
        peer.eventLoop.run()
        #expect(peer.wire.frames.last == .pong("d"))
        peer.session.connection?.setReading(true)
        #expect(peer.session.messages == [.text("1"), .text("2"), .text("3")])
    }

    @Test("So are pings behind what had to wait for its rate")
    func pingsBehindHeld() throws {
        var limits = ConnectionLimits.wide
        limits.messagesPerSecond = 1
        let peer = try EmbeddedPeer(limits: limits)
        peer.session.whenReceived = { connection, message in
            if message == .text("3") { connection.setReading(false) }
        }
        try peer.receive((0...3).flatMap { WireFrame.text("\($0)").masked } + WireFrame.ping("p").masked)
        #expect(peer.session.messages.count < 4 && peer.wire.frames.isEmpty)
        peer.advance(4_000)
        #expect(peer.session.messages.count == 4)
        #expect(peer.wire.frames == [.pong("p")])
    }

    @Test("A paused session's peer is still held to the protocol and the rate of control frames")
    func pingFloodWhilePaused() throws {
        var limits = ConnectionLimits()
        limits.controlFramesPerSecond = 10
        let flooding = try EmbeddedPeer(limits: limits)
        flooding.session.connection?.setReading(false)
        for _ in 0..<30 { try flooding.receive(WireFrame.ping().masked) }
        #expect(flooding.wire.frames.last?.payload.prefix(2) == [0x03, 0xF0])
        let unmasked = try EmbeddedPeer()
        unmasked.session.connection?.setReading(false)
        try unmasked.receive(WireFrame.ping().bare)
        #expect(unmasked.wire.frames.last?.payload.prefix(2) == [0x03, 0xEA])
    }

    @Test("One that pauses in the middle of a frame goes on there")
    func pauseInsideFrame() throws {
        let peer = try EmbeddedPeer()
        // The rest of this payload looks like a ping.
        let frame = WireFrame(opcode: 2, payload: WireFrame.ping().masked + [0x89, 0x80, 1, 2, 3, 4])
        let bytes = frame.masked
        let bare = WireFrame.binary([0x61, 0x62] + WireFrame.ping().bare)
        try peer.receive(Array(bytes.prefix(12)))
        peer.session.connection?.setReading(false)
        try peer.receive(Array(bytes.dropFirst(12)))
        #expect(peer.wire.frames.isEmpty)
        peer.session.connection?.setReading(true)
        #expect(peer.session.messages == [.binary(frame.payload)])
        let client = try EmbeddedPeer(role: .client)
        try client.receive(Array(bare.bare.prefix(4)))
        client.session.connection?.setReading(false)
        try client.receive(Array(bare.bare.dropFirst(4)))
        #expect(client.wire.frames.isEmpty)
        client.session.connection?.setReading(true)
        #expect(client.session.messages == [.binary(bare.payload)])
    }

    @Test("What arrives meanwhile is held up to a bound; then the socket is not read")
    func pauseStopsTheSocket() throws {
        let peer = try EmbeddedPeer()
        let autoRead = {
            peer.channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
        }
        let frame = WireFrame.binary([UInt8](repeating: 1, count: 20_000)).masked
        for round in 1...3 {
            peer.session.connection?.setReading(false)
            for _ in 0..<3 { try peer.receive(frame) }
            #expect(autoRead() != false)
            try peer.receive(frame)
            #expect(autoRead() == false)
            #expect(peer.session.messages.count == 4 * (round - 1))
            peer.session.connection?.setReading(true)
            #expect(autoRead() == true)
            #expect(peer.session.messages.count == 4 * round)
            #expect(peer.handler.tail.count == 0)
        }
    }

    @Test("A message under way does not stand still while its session pauses, and has its full time afterwards")
    func pauseIsNoStandstill() throws {
        var limits = ConnectionLimits.wide
        limits.assemblyTimeout = 1_000
        limits.pingInterval = 600_000
        let peer = try EmbeddedPeer(limits: limits)
        let part = WireFrame(opcode: 2, payload: [1], isFinal: false).masked
        try peer.receive(part)
        peer.session.connection?.setReading(false)
        peer.advance(60_000)
        #expect(peer.wire.frames.isEmpty)
        peer.session.connection?.setReading(true)
        peer.advance(200)
        try peer.receive(WireFrame(opcode: 0, payload: [2]).masked)
        #expect(peer.session.messages == [.binary([1, 2])])
        try peer.receive(part)
        peer.advance(900)
        #expect(peer.wire.frames.isEmpty)
        peer.advance(400)
        #expect(peer.wire.frames.map(\.opcode) == [8])
    }

    @Test("What waits for a paused session counts as unfinished messages do, and who holds most is closed first")
    func pausedBudget() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop, assemblyBudget: 100_000)
        let peers = try [10_000, 55_000, 30_000].map { count in
            let peer = try EmbeddedPeer(loop: loop, eventLoop: eventLoop)
            peer.session.connection?.setReading(false)
            try peer.receive(WireFrame.binary([UInt8](repeating: 1, count: count)).masked)
            return peer
        }
        #expect(peers.allSatisfy { $0.wire.frames.isEmpty })
        try peers[0].receive(WireFrame.binary([UInt8](repeating: 1, count: 6_000)).masked)
        eventLoop.run()
        #expect(peers.map { $0.wire.frames.map(\.opcode) } == [[], [8], []])
        #expect(peers[1].wire.frames.first?.payload.prefix(2) == [0x03, 0xF5])
    }

    @Test("While the socket is not read, a peer is not given up for its silence")
    func pauseKeepsAlive() throws {
        var limits = ConnectionLimits.wide
        limits.pingInterval = 1_000
        limits.pongTimeout = 1_000
        let peer = try EmbeddedPeer(limits: limits)
        peer.session.connection?.setReading(false)
        try peer.receive(WireFrame.binary([UInt8](repeating: 1, count: 70_000)).masked)
        peer.advance(60_000)
        #expect(peer.channel.isActive)
        peer.session.connection?.setReading(true)
        #expect(peer.session.messages.count == 1)
        peer.advance(900)
        #expect(peer.wire.frames.isEmpty)
        peer.advance(2_400)
        #expect(!peer.channel.isActive)
    }

    @Test("A peer that is given up is told so where its limits name a code")
    func pongTimeoutCode() throws {
        var limits = ConnectionLimits.wide
        limits.pingInterval = 1_000
        limits.pongTimeout = 1_000
        limits.pongTimeoutCode = CloseCode(rawValue: 4201)
        let peer = try EmbeddedPeer(limits: limits)
        peer.advance(2_300)
        #expect(peer.wire.frames == [.ping(), .close(4201, "no sign of life")])
        #expect(peer.wire.outputEnds == 1)
        peer.advance(1_200)
        #expect(!peer.channel.isActive)
        let outcome = CloseOutcome(code: CloseCode(rawValue: 4201), reason: "no sign of life", wasClean: false)
        #expect(peer.session.outcomes == [outcome])
    }

    @Test("A stop tells those with a code of their own that one, and one after the other when they are many")
    func stopInTurn() throws {
        var limits = ConnectionLimits.wide
        limits.stopCode = CloseCode(rawValue: 4100)
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop)
        let peers = try (0..<400).map { _ in try EmbeddedPeer(loop: loop, eventLoop: eventLoop, limits: limits) }
        let other = try EmbeddedPeer(loop: loop, eventLoop: eventLoop)
        func told() -> Int { peers.count { $0.wire.frames == [.close(4100, "bye")] } }
        loop.stop(Farewell(CloseFrame(code: .goingAway, reason: "bye"), within: .seconds(4)))
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(other.wire.frames == [.close(1001, "bye")])
        #expect((1...150).contains(told()))
        eventLoop.advanceTime(by: .milliseconds(200))
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect((150...350).contains(told()))
        eventLoop.advanceTime(by: .milliseconds(400))
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(told() == 400)
        // Who comes late is told at once.
        let late = try EmbeddedDoor(limits: limits)
        try late.receive(Array(RawPeer.request().utf8), endsTick: false)
        late.loop.stop(Farewell(CloseFrame(code: .goingAway), within: .seconds(4)))
        late.eventLoop.run()
        #expect(late.frames == [.close(4100)])
    }

    @Test("A stop leaves the last word to the session, and the close frame too when it closes")
    func stopWithWords() throws {
        var limits = ConnectionLimits.wide
        limits.stopCode = CloseCode(rawValue: 4100)
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop)
        let talking = try EmbeddedPeer(loop: loop, eventLoop: eventLoop)
        talking.session.whenServerStops = { $0.send("so long") }
        let closing = try EmbeddedPeer(loop: loop, eventLoop: eventLoop, limits: limits)
        closing.session.whenServerStops = { $0.close(CloseCode(rawValue: 4200), reason: "elsewhere") }
        loop.stop(Farewell(CloseFrame(code: .goingAway, reason: "bye"), within: .seconds(4)))
        eventLoop.advanceTime(by: .milliseconds(1))
        #expect(talking.wire.frames == [.text("so long"), .close(1001, "bye")])
        eventLoop.advanceTime(by: .seconds(2))
        #expect(closing.wire.frames == [.close(4200, "elsewhere")])
    }

    @Test("A paused session that closes sees the peer's answer")
    func pausedClose() throws {
        let peer = try EmbeddedPeer()
        peer.session.whenReceived = { connection, _ in connection.setReading(false) }
        try peer.receive(WireFrame.text("1").masked + WireFrame.text("2").masked)
        peer.session.connection?.close(.normal)
        try peer.receive(WireFrame.close(1000).masked)
        #expect(peer.wire.outputEnds == 1)
        peer.endInput()
        #expect(peer.session.messages == [.text("1")])
        #expect(peer.session.outcomes == [CloseOutcome(code: .normal, reason: "", wasClean: true)])
    }

    @Test("When the peer ends its side, a paused session gets all that had come before", arguments: [true, false])
    func pausedEnd(_ isReset: Bool) throws {
        let peer = try EmbeddedPeer()
        peer.session.whenReceived = { connection, _ in connection.setReading(false) }
        try peer.receive((0..<4).flatMap { WireFrame.text("\($0)").masked } + WireFrame.close(1000, "done").masked)
        #expect(peer.session.messages == [.text("0")])
        if isReset { peer.channel.close(promise: nil) } else { peer.endInput() }
        peer.advance(2_000)
        #expect(peer.session.messages == (0..<4).map { .text("\($0)") })
        #expect(peer.session.outcomes == [CloseOutcome(code: .normal, reason: "done", wasClean: true)])
    }

    @Test("Unfinished messages beyond the loop's budget are turned away with 1013")
    func assemblyBudget() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop, assemblyBudget: 100_000)
        let peers = try (0..<3).map { _ in try EmbeddedPeer(loop: loop, eventLoop: eventLoop) }
        // Of those that hold the same, any may be closed: the last one holds most.
        func piece(_ count: Int) -> [UInt8] {
            WireFrame(opcode: 2, payload: [UInt8](repeating: 1, count: count), isFinal: false).masked
        }
        for (peer, count) in zip(peers, [40_000, 40_000, 41_000]) { try peer.receive(piece(count)) }
        #expect(peers[0].wire.frames.isEmpty && peers[1].wire.frames.isEmpty)
        #expect(peers[2].wire.frames.map(\.opcode) == [8])
        #expect(peers[2].wire.frames.first?.payload.prefix(2) == [0x03, 0xF5])
        // Who leaves gives back what it held.
        peers[2].channel.close(promise: nil)
        peers[1].channel.close(promise: nil)
        eventLoop.run()
        let next = try EmbeddedPeer(loop: loop, eventLoop: eventLoop)
        try next.receive(piece(40_000))
        #expect(next.wire.frames.isEmpty && peers[0].wire.frames.isEmpty)
    }

    // MARK: - Time

    @Test("Silence is answered with a ping, further silence with the end of the connection (RFC 6455 §5.5.2)")
    func keepAlive() throws {
        let peer = try EmbeddedPeer()
        peer.advance(24_900)
        #expect(peer.wire.frames.isEmpty)
        peer.advance(300)
        #expect(peer.wire.frames == [.ping()])
        peer.advance(9_700)
        #expect(peer.channel.isActive)
        peer.advance(400)
        #expect(!peer.channel.isActive)
        #expect(peer.session.outcomes == [CloseOutcome(code: .abnormalClosure, reason: "", wasClean: false)])
        #expect(peer.wire.frames == [.ping()])
    }

    @Test("Any byte counts as life, a piece of a frame as much as a pong", arguments: [true, false])
    func anyByte(_ isPong: Bool) throws {
        let peer = try EmbeddedPeer()
        let bytes = isPong ? WireFrame.pong().masked : Array(WireFrame.text("slow").masked.prefix(3))
        peer.advance(25_200)
        #expect(peer.wire.frames == [.ping()])
        peer.advance(5_000)
        try peer.receive(bytes)
        peer.advance(24_500)
        #expect(peer.channel.isActive)
        #expect(peer.wire.frames == [.ping()])
        peer.advance(700)
        #expect(peer.wire.frames == [.ping(), .ping()])
    }

    @Test("A message that does not come to its end is cut off with 1008, though its sender is there")
    func assemblyTimeout() throws {
        let peer = try EmbeddedPeer()
        try peer.receive(WireFrame(opcode: 1, payload: [0x61], isFinal: false).masked)
        for _ in 0..<6 {
            peer.advance(5_000)
            try peer.receive(WireFrame.ping().masked)
        }
        peer.advance(300)
        #expect(peer.wire.frames.last?.opcode == 8)
        #expect(peer.wire.frames.last?.payload.prefix(2) == [0x03, 0xF0])
    }

    @Test("A peer that never answers the close frame is cut off after the close timeout")
    func closeTimeout() throws {
        let peer = try EmbeddedPeer()
        peer.session.connection?.close(.goingAway, reason: "enough")
        peer.eventLoop.run()
        for _ in 0..<4 {  // its data is no answer
            peer.advance(1_200)
            try peer.receive(WireFrame.text("still here").masked)
        }
        #expect(peer.channel.isActive)
        peer.advance(400)
        #expect(!peer.channel.isActive)
        #expect(peer.session.messages.isEmpty)
        #expect(peer.session.outcomes == [CloseOutcome(code: .goingAway, reason: "enough", wasClean: false)])
    }

    @Test("A peer that answers but does not end its side is cut off after the linger timeout")
    func lingerTimeout() throws {
        let peer = try EmbeddedPeer()
        try peer.receive(WireFrame.close(1000).masked)
        #expect(peer.wire.frames == [.close(1000)])
        #expect(peer.wire.outputEnds == 1)
        peer.advance(900)
        #expect(peer.channel.isActive)
        peer.advance(300)
        #expect(!peer.channel.isActive)
        #expect(peer.session.outcomes == [CloseOutcome(code: .normal, reason: "", wasClean: true)])
    }

    // MARK: - The end

    @Test("The server ends its side behind its close frame, a client waits for that (RFC 6455 §7.1.1)")
    func whoEndsFirst() throws {
        let server = try EmbeddedPeer()
        try server.receive(WireFrame.close(1000).masked + WireFrame.text("late").masked)
        #expect(server.wire.frames == [.close(1000)])
        #expect(server.wire.outputEnds == 1)
        #expect(server.session.messages.isEmpty)
        let client = try EmbeddedPeer(role: .client)
        try client.receive(WireFrame.close(1000).bare)
        #expect(client.wire.frames.map(\.opcode) == [8])
        #expect(client.wire.outputEnds == 0)
        client.endInput()
        #expect(!client.channel.isActive)
        #expect(client.session.outcomes.map(\.wasClean) == [true])
    }

    @Test("What is queued still leaves when the peer has ended its side")
    func drains() throws {
        let peer = try EmbeddedPeer()
        peer.wire.isBlocked = true
        peer.session.connection?.send("queued")
        peer.endInput()
        #expect(peer.wire.frames == [.text("queued")])
        #expect(peer.channel.isActive)
        peer.wire.isBlocked = false
        peer.wire.complete()
        #expect(!peer.channel.isActive)

        let stuck = try EmbeddedPeer()
        stuck.wire.isBlocked = true
        stuck.session.connection?.send("queued")
        stuck.endInput()
        stuck.session.connection?.close(.normal)
        stuck.advance(1_200)
        #expect(!stuck.channel.isActive)
        #expect(stuck.session.outcomes.map(\.code) == [.abnormalClosure])
    }

    @Test("A session may close in opened(), and is told of the end once")
    func closeInOpened() throws {
        let session = EmbeddedSession()
        session.whenOpened = {
            $0.send("hello")
            $0.close(.policyViolation, reason: "not you")
            $0.send("ignored")
        }
        let peer = try EmbeddedPeer(session: session)
        peer.eventLoop.run()
        #expect(peer.wire.frames == [.text("hello"), .close(1008, "not you")])
        try peer.receive(WireFrame.text("ignored").masked + WireFrame.close(1008).masked)
        peer.endInput()
        peer.advance(10_000)
        #expect(
            session.events == [
                .opened, .closed(CloseOutcome(code: .policyViolation, reason: "not you", wasClean: true)),
            ])
    }

    @Test("A session that closes in received() gets nothing of what else was read")
    func closeInReceived() throws {
        let peer = try EmbeddedPeer()
        peer.session.whenReceived = { connection, _ in
            connection.close(.normal)
            connection.close(.goingAway)
        }
        try peer.receive((0..<10).flatMap { WireFrame.text("\($0)").masked })
        #expect(peer.session.messages == [.text("0")])
        #expect(peer.wire.frames == [.close(1000)])
    }

    @Test("A session that sends and closes in closed() does no harm")
    func sendInClosed() throws {
        let peer = try EmbeddedPeer()
        peer.session.whenClosed = { connection in
            connection.send("too late")
            connection.send(SharedFrame(text: "too late"))
            connection.close(.normal)
            connection.setReading(false)
            #expect(connection.pendingBytes == 0)
            #expect(!connection.isWritable)
        }
        peer.session.connection?.send("dropped")
        peer.channel.close(promise: nil)
        peer.eventLoop.run()
        peer.advance(60_000)
        #expect(peer.wire.frames.isEmpty)
        #expect(peer.session.outcomes.count == 1)
    }

    @Test("A session that ends another one's connection from its own call does no harm")
    func closeAnother() throws {
        let eventLoop = EmbeddedEventLoop()
        let loop = LoopContext.embedded(eventLoop)
        let peers = try (0..<3).map { _ in try EmbeddedPeer(loop: loop, eventLoop: eventLoop) }
        peers[0].session.whenClosed = { _ in
            for other in peers[1...] {
                other.session.connection?.close(.normal)
                other.handler.cutOff()
            }
        }
        // All three are due in the same turn of the wheel.
        eventLoop.advanceTime(by: .seconds(60))
        #expect(peers.allSatisfy { !$0.channel.isActive && $0.session.outcomes.count == 1 })
        #expect(loop.connections.isEmpty)
        let first = peers[0]
        first.session.whenClosed = { _ in }
    }

    @Test("An error on the channel ends the connection with 1006")
    func error() throws {
        let peer = try EmbeddedPeer()
        peer.channel.pipeline.fireErrorCaught(ChannelError.ioOnClosedChannel)
        peer.eventLoop.run()
        #expect(peer.session.outcomes.map(\.code) == [.abnormalClosure])
    }

    @Test("Nothing is kept of a connection that has ended, however it ended", arguments: 0..<4)
    func freed(_ way: Int) throws {
        weak var handler: FrameHandler?
        weak var session: EmbeddedSession?
        weak var loop: LoopContext?
        do {
            let eventLoop = EmbeddedEventLoop()
            let context = LoopContext.embedded(eventLoop)
            loop = context
            let peer = try EmbeddedPeer(loop: context, eventLoop: eventLoop)
            handler = peer.handler
            session = peer.session
            peer.session.connection?.send("something")
            switch way {
            case 0:
                try peer.receive(WireFrame.close(1000).masked)
                peer.endInput()
                peer.advance(2_000)
            case 1:
                peer.channel.close(promise: nil)
                eventLoop.run()
            case 2:
                peer.advance(60_000)
            default:
                peer.session.connection?.close(.normal)
                peer.advance(60_000)
            }
            #expect(!peer.channel.isActive)
            #expect(context.connections.isEmpty)
            peer.advance(200)
        }
        #expect(handler == nil)
        #expect(session == nil)
        #expect(loop == nil)
    }
}
