import Glibc
import Reactor
import Testing
import WebSocketCore

@Suite("Nobody starves on the reactor", .timeLimit(.minutes(5)))
struct FairnessTests {
    @Test("A flood of small messages is read by the budget of a tick, and others are served in between")
    func flood() async throws {
        try await withReactor { reactor in
            let order = Journal<Int>()
            let flooder = reactor.connection(whenReceived: { _, _, _ in order.add(0) })
            let canary = reactor.connection(whenReceived: { session, kind, payload in
                order.add(1)
                session.connection?.send(kind, payload)
            })
            #expect(flooder.journal.wait(for: 1))
            #expect(canary.journal.wait(for: 1))
            let loop = try #require(flooder.loop.entries.first)
            // Both have sent all they have to say before the loop looks again.
            let isBusy = Journal<Bool>()
            let mayGoOn = Journal<Bool>()
            loop.execute {
                isBusy.add(true)
                _ = mayGoOn.wait(for: 1)
            }
            #expect(isBusy.wait(for: 1))
            let frame = Peer.frame(2, [UInt8](repeating: 9, count: 64))
            let burst = (0..<4000).flatMap { _ in frame }
            var sent = 0
            while sent < burst.count {
                let count = flooder.peer.trySend(Array(burst[sent...]))
                if count == 0 { break }
                sent += count
            }
            #expect(sent > 2 * 65_536)
            canary.peer.send(Peer.text("tweet"))
            mayGoOn.add(true)
            #expect(canary.peer.frame()?.payload == Array("tweet".utf8))
            let before = order.entries.firstIndex(of: 1) ?? .max
            #expect(before <= 65_536 / frame.count + 1)
            #expect(await reactor.statistics().largestRead <= 65_536)
            flooder.peer.send(Array(burst[sent...]))
            #expect(flooder.journal.wait(for: 1 + 4000))
        }
    }

    @Test("Large messages that are complete at once are taken a few a tick, and short ones are served in between")
    func largeMessages() async throws {
        try await withReactor { reactor in
            let order = Journal<Int>()
            let large = (0..<40).map { _ in
                reactor.connection(whenReceived: { _, _, message in order.add(message.byteCount) })
            }
            let canary = reactor.connection(whenReceived: { session, kind, payload in
                order.add(1)
                session.connection?.send(kind, payload)
            })
            // All but the last byte of 60,000, and then that: the last bytes lie there when the loop looks again.
            let frame = Peer.frame(2, [UInt8](repeating: 9, count: 60_000))
            for connection in large { connection.peer.send(Array(frame.dropLast())) }
            #expect(canary.journal.wait(for: 1))
            let loop = try #require(canary.loop.entries.first)
            let (isBusy, mayGoOn) = (Journal<Bool>(), Journal<Bool>())
            loop.execute {
                isBusy.add(true)
                _ = mayGoOn.wait(for: 1)
            }
            #expect(isBusy.wait(for: 1))
            for connection in large { connection.peer.send([frame[frame.count - 1]]) }
            canary.peer.send(Peer.text("tweet"))
            mayGoOn.add(true)
            #expect(canary.peer.frame()?.payload == Array("tweet".utf8))
            #expect(order.wait(for: 41))
            let before = order.entries.firstIndex(of: 1) ?? .max
            // Half a MiB of them a tick; the canary is read in the first or the second.
            #expect(before <= 2 * 9)
            #expect(order.entries.count { $0 == 60_000 } == 40)
            let most = await reactor.statistics().mostLargeBytes
            #expect(60_000...(512 << 10) + 65_536 ~= most, "\(most)")
        }
    }

    @Test("Thousands of connections dropped at the same moment are ended in ticks of a bounded size")
    func drop() async throws {
        try await withReactor { reactor in
            let count = 4000
            let ended = Journal<Int>()
            var peers: [Peer] = []
            for number in 0..<count {
                let (descriptor, peer) = Peer.pair()
                peers.append(peer)
                reactor.adopt(
                    HandedOverConnection(descriptor: descriptor, received: [], limits: .calm) { _ in
                        (EndingSession { ended.add(number) }, nil)
                    })
            }
            #expect(await reactor.connectionCount() == count)
            let canary = reactor.echo()
            #expect(canary.journal.wait(for: 1))
            let loop = try #require(canary.loop.entries.first)
            let isBusy = Journal<Bool>()
            let mayGoOn = Journal<Bool>()
            _ = await reactor.statistics(resetting: true)
            loop.execute {
                isBusy.add(true)
                _ = mayGoOn.wait(for: 1)
            }
            #expect(isBusy.wait(for: 1))
            peers = []
            canary.peer.send(Peer.text("tweet"))
            mayGoOn.add(true)
            #expect(canary.peer.frame()?.payload == Array("tweet".utf8))
            #expect(ended.wait(for: count))
            let statistics = await reactor.statistics()
            #expect(statistics.mostEvents <= 256)
            #expect(statistics.connections == 1)
        }
    }

    /// Tells when it is over.
    private final class EndingSession: WebSocketSession {
        private let whenClosed: () -> Void

        init(_ whenClosed: @escaping () -> Void) { self.whenClosed = whenClosed }

        override func closed(_ outcome: CloseOutcome) { whenClosed() }
    }
}
