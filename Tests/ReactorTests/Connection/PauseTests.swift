import Glibc
import Testing
import WebSocketCore

@testable import Reactor

@Suite("A session that pauses, on a reactor's loop whose clock a test moves", .timeLimit(.minutes(5)))
struct PauseTests {
    private func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits.calm
        change(&limits)
        return limits
    }

    /// The first part of a message.
    private func part(_ count: Int) -> [UInt8] { Peer.frame(2, [UInt8](repeating: 1, count: count), isFinal: false) }

    /// Messages that fill what may wait for a paused session: the socket is not read from there on.
    private let filling = (0..<70).flatMap { Peer.frame(2, [UInt8](repeating: UInt8($0), count: 1_000)) }

    @Test("A message under way does not stand still while its session pauses, and has its full time afterwards")
    func standstill() throws {
        try withSteppedLoop { loop in
            let paused = loop.connection(limits: limits { $0.assemblyTimeout = 1_000 })
            paused.peer.send(part(10))
            loop.run()
            paused.connection?.setReading(false)
            loop.advance(60_000)
            #expect(paused.frames() == [])
            paused.connection?.setReading(true)
            loop.advance(200)
            paused.peer.send(Peer.frame(0, [2]))
            loop.run()
            #expect(paused.events == [.opened, .message([UInt8](repeating: 1, count: 10) + [2])])
            paused.peer.send(part(10))
            loop.advance(900)
            #expect(paused.frames() == [])
            loop.advance(400)
            #expect(paused.frames().map(\.code) == [1008])
        }
    }

    @Test("While the socket is not read, a peer is not given up for its silence, which begins afterwards")
    func silence() throws {
        let limits = limits {
            $0.pingInterval = 1_000
            $0.pongTimeout = 1_000
        }
        try withSteppedLoop { loop in
            let paused = loop.connection(limits: limits)
            paused.connection?.setReading(false)
            // In two reads, so that nothing is left to be read afterwards.
            for part in [filling.prefix(40_000), filling.dropFirst(40_000)] {
                paused.peer.send(Array(part))
                loop.run()
            }
            loop.advance(60_000)
            #expect(paused.frames() == [])
            paused.connection?.setReading(true)
            #expect(paused.events.count == 71)
            loop.advance(900)
            #expect(paused.frames() == [])
            loop.advance(400)
            #expect(paused.frames() == [.ping])
            loop.advance(1_200)
            #expect(paused.events.last == .closed(1006, "", isClean: false))
        }
    }

    @Test(
        "What arrives meanwhile waits up to 64 KiB, then the socket is not read; in every pause, the first or a later one"
    )
    func socket() throws {
        try withSteppedLoop { loop in
            let paused = loop.connection()
            for round in 1...3 {
                paused.connection?.setReading(false)
                paused.peer.send(filling)
                loop.run()
                // One read more than the limit at most; the rest stays in the kernel.
                let more = paused.peer.trySend([UInt8](repeating: 0x80, count: 1 << 20))
                loop.run()
                #expect(loop.loop.assemblingBytes < 3 * 64 << 10)
                #expect(loop.loop.assemblingBytes >= 64 << 10)
                #expect(more < 1 << 20)
                #expect(paused.events.count == 1 + 70 * (round - 1))
                guard more == 0 else { return paused.peer.end() }
                paused.connection?.setReading(true)
                loop.run()
                #expect(paused.events.count == 1 + 70 * round)
                #expect(loop.loop.assemblingBytes == 0)
            }
        }
    }

    @Test("A connection that breaks while its socket is not read ends at once")
    func broken() throws {
        try withSteppedLoop { loop in
            let paused = loop.connection()
            paused.connection?.setReading(false)
            paused.peer.send(filling)
            loop.run()
            paused.peer.end()
            loop.run()
            // All that had been read is handed over before.
            #expect(paused.events.count > 64)
            #expect(paused.events.last == .closed(1006, "", isClean: false))
        }
    }

    @Test("A session that wants nothing more of what it is handed at the end gets nothing more")
    func dropRest() throws {
        try withSteppedLoop { loop in
            let paused = loop.connection(whenReceived: { session, _, _ in session.connection?.dropRest() })
            paused.connection?.setReading(false)
            paused.peer.send((0..<5).flatMap { Peer.text("\($0)") })
            loop.run()
            paused.peer.endOutput()
            loop.advance(1_500)
            #expect(paused.events == [.opened, .message([0x30]), .closed(1006, "", isClean: false)])
        }
    }

    @Test("Pings before the next message are answered, the next one and those behind it after that (RFC 6455 §5.5.2)")
    func pings() throws {
        try withSteppedLoop { loop in
            let paused = loop.connection(whenReceived: { session, _, _ in session.connection?.setReading(false) })
            paused.peer.send(Peer.text("1") + Peer.frame(9, [1]))
            loop.run()
            #expect(paused.frames() == [.pong([1])])
            paused.peer.send(Peer.frame(10, []) + Peer.frame(9, [2]).prefix(4))
            loop.run()
            #expect(paused.frames() == [])
            paused.peer.send(Array(Peer.frame(9, [2]).suffix(3)) + Peer.frame(9, [3]))
            loop.run()
            #expect(paused.frames() == [.pong([2]), .pong([3])])
            paused.peer.send(Peer.text("2") + Peer.frame(9, [4]) + Peer.text("3"))
            loop.run()
            #expect(paused.frames() == [])
            #expect(paused.events == [.opened, .message([0x31])])
            paused.connection?.setReading(true)
            loop.run()
            #expect(paused.frames() == [.pong([4])])
            #expect(paused.events == [.opened, .message([0x31]), .message([0x32])])
        }
    }

    @Test("So are pings behind what came with the request, and behind what had to wait for its rate")
    func laterPings() throws {
        try withSteppedLoop { loop in
            let bytes = Peer.text("1") + Peer.frame(9, [1]) + Peer.text("2")
            let early = loop.connection(
                received: bytes, whenReceived: { session, _, _ in session.connection?.setReading(false) })
            #expect(early.frames() == [.pong([1])])
            #expect(early.events == [.opened, .message([0x31])])
            let held = loop.connection(
                limits: limits { $0.messagesPerSecond = 1 },
                whenReceived: { session, _, _ in
                    if session.journal.entries.count > 3 { session.connection?.setReading(false) }
                })
            held.peer.send(Peer.text("a") + Peer.text("b") + bytes)
            loop.run()
            #expect(held.events.count < 4)
            loop.advance(2_000)
            #expect(held.frames() == [.pong([1])])
            #expect(held.events.last == .message([0x31]))
        }
    }

    @Test("One that pauses in the middle of a frame goes on there: what looks like a ping is none")
    func insideFrame() throws {
        try withSteppedLoop { loop in
            let paused = loop.connection()
            let payload = Peer.frame(9, [7]) + [0x89, 0x80, 1, 2, 3, 4]
            let bytes = Peer.frame(2, payload)
            paused.peer.send(Array(bytes.prefix(9)))
            loop.run()
            paused.connection?.setReading(false)
            paused.peer.send(Array(bytes.dropFirst(9)))
            loop.run()
            #expect(paused.frames() == [])
            paused.connection?.setReading(true)
            loop.run()
            #expect(paused.events == [.opened, .message(payload)])
        }
    }

    @Test("A paused session's peer is still held to the protocol and the rate of control frames")
    func rules() throws {
        try withSteppedLoop { loop in
            let flooding = loop.connection(limits: limits { $0.controlFramesPerSecond = 10 })
            flooding.connection?.setReading(false)
            for _ in 0..<30 {
                flooding.peer.send(Peer.frame(9, []))
                loop.run()
            }
            #expect(flooding.frames().last?.code == 1008)
            let unmasked = loop.connection()
            unmasked.connection?.setReading(false)
            unmasked.peer.send([0x89, 0x00])
            loop.run()
            #expect(unmasked.frames().last?.code == 1002)
        }
    }

    @Test("A paused session that closes sees the peer's answer, and no message before it")
    func closing() throws {
        try withSteppedLoop { loop in
            let paused = loop.connection(whenReceived: { session, _, _ in session.connection?.setReading(false) })
            paused.peer.send(Peer.text("1") + Peer.text("2"))
            loop.run()
            paused.connection?.close(.normal)
            loop.run()
            paused.peer.send(Peer.frame(8, [0x03, 0xE8]))
            loop.run()
            paused.peer.endOutput()
            loop.run()
            #expect(paused.events == [.opened, .message([0x31]), .closed(1000, "", isClean: true)])
        }
    }

    @Test(
        "What waits for a paused session counts as unfinished messages do, and who holds most is closed first",
        arguments: [1, 2])
    func budget(_ loops: Int) throws {
        // Each loop has an equal part.
        try withSteppedLoop(assemblyBudget: loops * 100_000, loops: loops) { loop in
            let connections = [10_000, 55_000, 30_000].map { count in
                let paused = loop.connection()
                paused.connection?.setReading(false)
                paused.peer.send(Array(filling.prefix(count)))
                loop.run()
                return paused
            }
            #expect(loop.loop.assemblingBytes == 95_000)
            connections[0].peer.send(Array(filling[10_000..<16_000]))
            loop.run()
            #expect(connections[0].frames() == [])
            #expect(connections[1].frames().map(\.code) == [1013])
            #expect(connections[2].frames() == [])
            #expect(loop.loop.assemblingBytes == 46_000)
        }
    }
}
