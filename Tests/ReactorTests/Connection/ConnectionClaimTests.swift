import Testing
import WebSocketCore

@testable import Reactor

@Suite("What counts a connection", .timeLimit(.minutes(5)))
struct ConnectionClaimTests {
    private final class Claim: ConnectionClaim {
        let clientAddress: String?
        private let released: Journal<Bool>

        init(_ clientAddress: String?, _ released: Journal<Bool>) {
            self.clientAddress = clientAddress
            self.released = released
        }

        deinit { released.add(true) }
    }

    /// A session that keeps its connection, and echoes the peer's name.
    private final class KeepingSession: WebSocketSession {
        private var connection: WebSocketConnection?

        override func opened(_ connection: WebSocketConnection) { self.connection = connection }

        override func received(_ kind: MessageKind, _ payload: RawSpan) { connection.map { $0.send($0.peer) } }
    }

    @Test("It ends with the connection, names the client, and keeps no send from the short way")
    func claim() async throws {
        try await withReactor { reactor in
            let released = Journal<Bool>()
            let seen = Journal<Int>()
            let (descriptor, peer) = Peer.pair()
            nonisolated(unsafe) var session: KeepingSession?
            let loops = Journal<any WebSocketLoop>()
            reactor.adopt(
                HandedOverConnection(
                    descriptor: descriptor, received: [], limits: .calm, claim: Claim("203.0.113.7", released)
                ) { loop in
                    loops.add(loop)
                    let kept = KeepingSession()
                    session = kept
                    return (kept, nil)
                })
            peer.send(Peer.text("who am I?"))
            #expect(peer.frame()?.payload == Array("203.0.113.7".utf8))
            let loop = try #require(loops.entries.first as? ReactorLoop)
            loop.execute {
                var extras = 0
                loop.slab.forEachInUse { if $0.pointee.extras != nil { extras += 1 } }
                seen.add(extras)
            }
            #expect(seen.wait(for: 1))
            #expect(seen.entries == [0])
            #expect(released.entries.isEmpty)
            peer.endOutput()
            #expect(released.wait(for: 1))
            withExtendedLifetime(session) {}
        }
    }
}
