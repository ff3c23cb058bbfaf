import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("Readers that do not keep up", .timeLimit(.minutes(5)))
struct SlowReaderTests {
    /// A loop, and the slow readers that it has reported.
    private final class Node {
        let eventLoop = EmbeddedEventLoop()
        let loop: LoopContext
        private let reported = NIOLockedValueBox<[SlowReader]>([])
        var reports: [SlowReader] { reported.withLockedValue { $0 } }

        init(outputBudget: OutputBudget? = nil) {
            loop = .embedded(eventLoop, outputBudget: outputBudget) { [reported] report in
                reported.withLockedValue { $0.append(report) }
            }
        }

        /// A connection whose kernel takes nothing.
        func blockedPeer(limits: ConnectionLimits = .slow) throws -> EmbeddedPeer {
            let peer = try EmbeddedPeer(loop: loop, eventLoop: eventLoop, limits: limits)
            peer.wire.isBlocked = true
            return peer
        }
    }

    private func send(_ count: Int, to peer: EmbeddedPeer) {
        peer.session.connection?.send(.binary, [UInt8](repeating: 1, count: count).span.bytes)
        peer.eventLoop.run()
    }

    @Test("What waits above the hard limit is dropped, and one that resumes reads what had begun and then 1013")
    func hardLimit() throws {
        let node = Node()
        let peer = try node.blockedPeer()
        for _ in 0..<30 { send(10_000, to: peer) }
        let waiting = try #require(peer.session.connection?.pendingBytes)
        #expect(waiting > 280_000)
        #expect(node.reports.isEmpty)
        for _ in 0..<200 where node.reports.isEmpty { send(10_000, to: peer) }
        #expect(node.reports.map(\.reason) == [.hardLimit])
        #expect(node.reports.allSatisfy { (1_048_577...1_070_000).contains($0.pendingBytes) })
        #expect(try #require(peer.session.connection?.pendingBytes) < 20_000)
        send(10_000, to: peer)
        peer.unblock()
        #expect(peer.wire.frames == [.binary([UInt8](repeating: 1, count: 10_000)), .close(1013, "reader too slow")])
        try peer.receive(WireFrame.close(1013).masked)
        peer.endInput()
        let outcome = CloseOutcome(code: .tryAgainLater, reason: "reader too slow", wasClean: true)
        #expect(peer.session.outcomes == [outcome])
    }

    @Test("A reader whose limits name another code is cut off with that")
    func ownCode() throws {
        let node = Node()
        var limits = ConnectionLimits.slow
        limits.slowReaderCode = CloseCode(rawValue: 4100)
        let peer = try node.blockedPeer(limits: limits)
        for _ in 0..<200 where node.reports.isEmpty { send(10_000, to: peer) }
        peer.unblock()
        #expect(peer.wire.frames.last == .close(4100, "reader too slow"))
    }

    @Test("A single message may be larger than the limit; one behind it may not")
    func singleLargeMessage() throws {
        let node = Node()
        let peer = try node.blockedPeer()
        send(3_000_000, to: peer)
        #expect(node.reports.isEmpty)
        send(1, to: peer)
        #expect(node.reports.map(\.reason) == [.hardLimit])
        peer.unblock()
        #expect(peer.wire.frames.map(\.opcode) == [2, 8])
        #expect(peer.wire.frames.first?.payload.count == 3_000_000)
    }

    @Test("SwiftNIO is given little at a time; the rest waits where it can be dropped")
    func littleAtTransport() throws {
        let node = Node()
        let peer = try node.blockedPeer()
        for _ in 0..<60 { send(10_000, to: peer) }
        #expect(peer.wire.bytes.count <= 10_010)
        peer.wire.complete()
        peer.eventLoop.run()
        #expect(peer.wire.bytes.count <= 10_010 + 2 * 64 * 1024)
        peer.unblock()
        #expect(peer.wire.frames == (0..<60).map { _ in .binary([UInt8](repeating: 1, count: 10_000)) })
        #expect(peer.session.connection?.pendingBytes == 0)
        #expect(node.reports.isEmpty)
    }

    @Test("The memory of what was dropped is free at once")
    func freedAtOnce() throws {
        let node = Node()
        let peer = try node.blockedPeer()
        send(10_000, to: peer)
        weak var frame: SharedFrame?
        do {
            let shared = SharedFrame(.binary, [UInt8](repeating: 2, count: 900_000))
            frame = shared
            peer.session.connection?.send(shared)
            peer.session.connection?.send(shared)
            #expect(node.reports.isEmpty)
            peer.session.connection?.send(shared)
        }
        #expect(node.reports.count == 1)
        node.eventLoop.run()
        #expect(frame == nil)
    }

    @Test("More than the soft limit may wait for the soft time and no longer")
    func softLimit() throws {
        var limits = ConnectionLimits.slow
        limits.maximumPendingAge = .max
        let node = Node()
        let peers = try (0..<3).map { _ in try node.blockedPeer(limits: limits) }
        for peer in peers { for _ in 0..<30 { send(10_000, to: peer) } }
        for _ in 0..<25 { send(10_000, to: peers[2]) }
        peers[0].advance(5_000)
        // One gets below the limit for a moment, one below it for good.
        for _ in 0..<2 { peers[0].wire.complete() }
        for _ in 0..<15 { send(10_000, to: peers[0]) }
        peers[1].unblock()
        peers[0].advance(4_800)
        #expect(node.reports.isEmpty)
        peers[0].advance(400)
        #expect(node.reports.map(\.reason) == [.softLimit])
        #expect(node.reports.first?.pendingBytes ?? 0 > 500_000)
        peers[0].advance(4_500)
        #expect(node.reports.count == 1)
        peers[0].advance(600)
        #expect(node.reports.map(\.reason) == [.softLimit, .softLimit])
        #expect(peers[1].channel.isActive)
        #expect(peers[1].session.events.allSatisfy { if case .closed = $0 { false } else { true } })
    }

    @Test("However little waits, it may not grow older than the limit")
    func stalled() throws {
        let node = Node()
        let peer = try node.blockedPeer()
        send(10, to: peer)
        peer.advance(9_800)
        #expect(node.reports.isEmpty)
        peer.advance(1_300)
        #expect(node.reports == [SlowReader(reason: .stalled, pendingBytes: 12, peer: "127.0.0.1:1")])
        // It does not come back: the closing handshake's own deadline ends it.
        #expect(peer.channel.isActive)
        peer.advance(5_300)
        #expect(!peer.channel.isActive)
        #expect(peer.session.outcomes.map(\.code) == [.tryAgainLater])
        #expect(peer.session.outcomes.map(\.wasClean) == [false])
    }

    @Test("A client does not leave a server that takes its time")
    func clientWaits() throws {
        let node = Node()
        let limits = WebSocketClientConfiguration().limits
        let peer = try EmbeddedPeer(role: .client, loop: node.loop, eventLoop: node.eventLoop, limits: limits)
        peer.wire.isBlocked = true
        for _ in 0..<60 {
            send(10_000, to: peer)
            peer.advance(5_000)
            try peer.receive(WireFrame.pong().bare)
        }
        #expect(node.reports.isEmpty)
        peer.unblock()
        #expect(peer.wire.frames.filter { $0.opcode == 2 }.count == 60)
    }

    @Test("A reader that goes on reading, and keeps up on the whole, stays")
    func progress() throws {
        let node = Node()
        let peer = try node.blockedPeer()
        for _ in 0..<60 {
            send(10_000, to: peer)
            peer.advance(1_000)
            try peer.receive(WireFrame.pong().masked)
            send(10_000, to: peer)
            peer.advance(1_000)
            peer.wire.complete()
            peer.eventLoop.run()
            peer.wire.complete()
        }
        #expect(node.reports.isEmpty)
        #expect(peer.channel.isActive)
    }

    @Test("Above the node's budget the largest queues go first, whatever loop they are on")
    func nodeBudget() throws {
        let budget = OutputBudget(bytes: 1_000_000)
        let nodes = [Node(outputBudget: budget), Node(outputBudget: budget)]
        let sizes = [[50_000, 400_000, 100_000], [300_000, 60_000, 70_000]]
        let peers = try zip(nodes, sizes).map { node, sizes in
            try sizes.map { size in
                let peer = try node.blockedPeer()
                send(1_000, to: peer)  // what has begun to leave
                for _ in 0..<size / 10_000 { send(10_000, to: peer) }
                return peer
            }
        }
        #expect(budget.pendingBytes > 980_000 && budget.pendingBytes <= 1_000_000)
        #expect(nodes.allSatisfy { $0.reports.isEmpty })
        // 100,000 more: to get to 950,000, the 400,000 go.
        for _ in 0..<10 { send(10_000, to: peers[1][1]) }
        for _ in 0..<3 { for node in nodes { node.eventLoop.run() } }
        #expect(nodes.map { $0.reports.map(\.reason) } == [[.nodeBudget], []])
        #expect(nodes[0].reports.first?.pendingBytes ?? 0 > 400_000)
        #expect(budget.pendingBytes < 950_000)
        // And now those of 300,000 and 260,000 at once, first the larger one.
        for _ in 0..<50 { send(10_000, to: peers[0][0]) }
        for _ in 0..<3 { for node in nodes { node.eventLoop.run() } }
        #expect(nodes.map { $0.reports.count } == [2, 0])
        #expect(nodes[0].reports.last?.pendingBytes ?? 0 > 300_000)
        #expect(peers.flatMap { $0 }.allSatisfy { $0.channel.isActive })
        for peer in peers.flatMap({ $0 }) { peer.channel.close(promise: nil) }
        for node in nodes { node.eventLoop.run() }
        #expect(budget.pendingBytes == 0)
    }

    @Test("No more readers are cut off than have to be")
    func nodeBudgetSparing() throws {
        let budget = OutputBudget(bytes: 1_000_000)
        let node = Node(outputBudget: budget)
        let peers = try (0..<9).map { _ in try node.blockedPeer() }
        for peer in peers { for _ in 0..<11 { send(10_000, to: peer) } }
        #expect(node.reports.isEmpty)
        send(10_000, to: peers[4])
        node.eventLoop.run()
        #expect(node.reports.count == 1)
        #expect(node.reports.first?.pendingBytes ?? 0 > 115_000)
        #expect((880_000...950_000).contains(budget.pendingBytes))
    }

    @Test("A reader that the node has no room for goes without a word when one very long message has begun to leave")
    func nodeBudgetLongMessage() throws {
        let budget = OutputBudget(bytes: 1_000_000)
        let node = Node(outputBudget: budget)
        let peer = try node.blockedPeer()
        send(2_000_000, to: peer)
        node.eventLoop.run()
        #expect(!peer.channel.isActive)
        #expect(node.reports.map(\.reason) == [.nodeBudget])
        #expect(budget.pendingBytes == 0)
    }

    @Test("A member that leaves gives back what it had")
    func leaving() throws {
        let budget = OutputBudget(bytes: 1_000_000)
        do {
            let node = Node(outputBudget: budget)
            let peer = try node.blockedPeer()
            for _ in 0..<10 { send(10_000, to: peer) }
            #expect(budget.pendingBytes > 90_000)
            peer.channel.close(promise: nil)
            node.eventLoop.run()
        }
        #expect(budget.pendingBytes == 0)
    }
}

extension ConnectionLimits {
    /// The default limits of what may wait, and nothing else that ends a connection.
    fileprivate static var slow: ConnectionLimits {
        var limits = ConnectionLimits.wide
        let standard = ConnectionLimits()
        limits.maximumPendingBytes = standard.maximumPendingBytes
        limits.softPendingTime = standard.softPendingTime
        limits.maximumPendingAge = standard.maximumPendingAge
        limits.pingInterval = 3_600_000
        return limits
    }
}
