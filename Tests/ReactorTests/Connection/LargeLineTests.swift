import Testing
import WebSocketCore

@testable import Reactor

@Suite("Connections that wait with large messages, on a clock that a test moves", .timeLimit(.minutes(5)))
struct LargeLineTests {
    @Test("The time in which a connection waits for its turn is not that of its message under way")
    func standstill() throws {
        var limits = ConnectionLimits.calm
        limits.assemblyTimeout = 1_000
        limits.setMaximumMessage(bytes: 1 << 20)
        try withSteppedLoop { [limits] loop in
            let sending = loop.connection(limits: limits)
            sending.peer.send(Peer.frame(2, [UInt8](repeating: 1, count: 40_000), isFinal: false))
            loop.run()
            loop.loop.holdLargeMessages(true)
            // What it waits with brings the message no further.
            sending.peer.send(Peer.frame(9, [1]))
            loop.turn()
            loop.turn(after: 900)
            #expect(sending.frames() == [])
            loop.loop.holdLargeMessages(false)
            loop.run()
            #expect(sending.frames() == [.pong([1])])
            loop.advance(900)
            #expect(sending.frames() == [])
            loop.advance(300)
            #expect(sending.frames().map(\.code) == [1008])
        }
    }

    @Test("What a loop has handled and sent counts for one iteration: all of many large messages comes back, in turns")
    func iterations() throws {
        var limits = ConnectionLimits.calm
        limits.setMaximumMessage(bytes: 1 << 20)
        limits.maximumPendingBytes = 64 << 20
        try withSteppedLoop { [limits] loop in
            let payload = [UInt8](repeating: 1, count: 200_000)
            let echoes = (0..<6).map { _ in
                loop.connection(
                    limits: limits, sendBuffer: 1 << 20,
                    whenReceived: { session, kind, payload in session.connection?.send(kind, payload) })
            }
            for _ in 0..<3 {
                for echo in echoes {
                    // In pieces, as a message that is not there at once is what counts.
                    let bytes = Peer.frame(2, payload)
                    var sent = 0
                    for _ in 0..<100 where sent < bytes.count {
                        sent += echo.peer.trySend(Array(bytes[sent...]))
                        loop.run()
                    }
                    #expect(sent == bytes.count)
                }
                for echo in echoes { #expect(echo.frames().map(\.payload) == [payload]) }
            }
        }
    }

    @Test("What is short and behind a large message is read on although nothing else happens on the loop")
    func restOfRead() async throws {
        var limits = ConnectionLimits.calm
        limits.setMaximumMessage(bytes: 1 << 20)
        try await withReactor { [limits] reactor in
            let sending = reactor.connection(limits: limits)
            sending.peer.send(Peer.frame(2, [UInt8](repeating: 1, count: 600_000)) + Peer.text("last"))
            try #require(sending.journal.wait(for: 3))
            #expect(sending.journal.entries.last == .message(Array("last".utf8)))
        }
    }

    @Test("Those that were once answered in place wait with large frames like all others")
    func afterAnswer() throws {
        var limits = ConnectionLimits.calm
        limits.maximumPendingBytes = 64 << 20
        try withSteppedLoop { [limits] loop in
            let many = (0..<16).map { _ in
                loop.connection(
                    limits: limits, sendBuffer: 1 << 20,
                    whenReceived: { session, kind, payload in session.connection?.send(kind, payload) })
            }
            for connection in many {
                connection.peer.send(Peer.frame(2, [UInt8](repeating: 1, count: 20_000)))
                loop.run()
                #expect(connection.frames().map(\.payload.count) == [20_000])
            }
            let large = SharedFrame(.binary, [UInt8](repeating: 2, count: 1 << 20))
            for connection in many { connection.connection?.send(large) }
            loop.run()
            #expect(loop.loop.statistics.mostLargeBytesSent <= LoopLimits().largeWriteBytes + (2 << 20))
            var frames = 0
            for _ in 0..<200 {
                for connection in many { frames += connection.frames().count }
                loop.run()
            }
            #expect(frames == 16)
        }
    }
}
