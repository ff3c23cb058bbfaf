import Glibc
import Reactor
import Testing
import WebSocketCore

@Suite("Long answers, which leave from where they were read", .timeLimit(.minutes(5)))
struct LongAnswerTests {
    /// Other bytes at every place and for every seed.
    private static func payload(_ count: Int, seed: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 2_654_435_761 >> 7) }
    }

    @Test(
        "They come back whole, one at a time and several in one read",
        arguments: [8_191, 8_192, 16_384, 32_000, 65_000, 65_528, 65_535])
    func echo(_ size: Int) async throws {
        try await withReactor { reactor in
            let connection = reactor.echo()
            for seed in 0..<3 {
                connection.peer.send(Peer.frame(2, Self.payload(size, seed: seed)))
                #expect(connection.peer.frame()?.payload == Self.payload(size, seed: seed))
            }
            let mixed = [size, 5, size, size, 300].enumerated().map { Self.payload($1, seed: $0) }
            // Nobody reads here until all is sent, which the peer's and the reactor's buffers need not have room for.
            let frames = mixed.flatMap { Peer.frame(2, $0) }
            Task.detached { connection.peer.send(frames) }
            for payload in mixed { #expect(connection.peer.frame()?.payload == payload) }
        }
    }

    @Test("A session may answer with a part, and look at the whole again")
    func parts() async throws {
        try await withReactor { reactor in
            let connection = reactor.connection(whenReceived: { session, kind, payload in
                session.connection?.send(kind, payload.extracting(100..<payload.byteCount))
                session.connection?.send("between")
                session.connection?.send(kind, payload)
                session.connection?.send(kind, payload.extracting(0..<9000))
            })
            let payload = Self.payload(20_000)
            for _ in 0..<2 {
                connection.peer.send(Peer.frame(2, payload) + Peer.frame(9, [7]))
                #expect(connection.peer.frame()?.payload == Array(payload[100...]))
                #expect(connection.peer.frame()?.payload == Array("between".utf8))
                #expect(connection.peer.frame()?.payload == payload)
                #expect(connection.peer.frame()?.payload == Array(payload[..<9000]))
                #expect(connection.peer.frame()?.payload == [7])
            }
        }
    }

    @Test("What the peer has no room for is kept, while others are read into the same memory")
    func heldBack() async throws {
        try await withReactor { reactor in
            let slow = reactor.echo(sendBuffer: 4096)
            let other = reactor.echo()
            for seed in 0..<4 {
                slow.peer.send(Peer.frame(2, Self.payload(16_384, seed: seed)))
                #expect(slow.journal.wait(for: 2 + seed))
                other.peer.send(Peer.frame(2, Self.payload(16_384, seed: 100 + seed)))
                #expect(other.peer.frame()?.payload == Self.payload(16_384, seed: 100 + seed))
            }
            for seed in 0..<4 { #expect(slow.peer.frame()?.payload == Self.payload(16_384, seed: seed)) }
        }
    }

    @Test("Connections that are read in the same tick get each its own")
    func sameTick() async throws {
        try await withReactor { reactor in
            let connections = (0..<20).map { _ in reactor.echo() }
            let loops = connections.compactMap { connection in
                connection.loop.wait(for: 1) ? connection.loop.entries.first : nil
            }
            let loop = try #require(loops.first)
            for round in 0..<3 {
                let isAway = Journal<Void>()
                let mayGoOn = Journal<Void>()
                loop.execute {
                    isAway.add(())
                    _ = mayGoOn.wait(for: 1)
                }
                #expect(isAway.wait(for: 1))
                for (number, connection) in connections.enumerated() {
                    connection.peer.send(Peer.frame(2, Self.payload(16_384, seed: round * 100 + number)))
                }
                mayGoOn.add(())
                for (number, connection) in connections.enumerated() {
                    #expect(connection.peer.frame()?.payload == Self.payload(16_384, seed: round * 100 + number))
                }
            }
        }
    }

    @Test("A session that closes behind its answer sends both, and one whose peer is gone sends nothing")
    func ends() async throws {
        try await withReactor { reactor in
            let closing = reactor.connection(whenReceived: { session, kind, payload in
                session.connection?.send(kind, payload)
                session.connection?.close(.normal, reason: "enough")
            })
            closing.peer.send(Peer.frame(2, Self.payload(16_384)) + Peer.frame(8, [0x03, 0xE8]))
            #expect(closing.peer.frame()?.payload == Self.payload(16_384))
            #expect(closing.peer.frame()?.opcode == 8)
            #expect(closing.peer.rest() == [])
            var gone: TestConnection? = reactor.echo()
            let journal = try #require(gone?.journal)
            gone?.peer.send(Peer.frame(2, Self.payload(60_000)))
            gone = nil
            #expect(journal.wait(for: 2))
            let other = reactor.echo()
            other.peer.send(Peer.frame(2, Self.payload(16_384, seed: 1)))
            #expect(other.peer.frame()?.payload == Self.payload(16_384, seed: 1))
        }
    }
}
