#if os(Linux)
import Reactor
import Testing
import WebSocketCore

@Suite("A peer that sends faster than it may, on the reactor", .serialized, .timeLimit(.minutes(5)))
struct HoldingTests {
    private func limits(_ rate: UInt32, _ change: (inout ConnectionLimits) -> Void = { _ in }) -> ConnectionLimits {
        var limits = ConnectionLimits.calm
        limits.messagesPerSecond = rate
        change(&limits)
        return limits
    }

    private func flood(_ count: Int) -> [UInt8] { (0..<count).flatMap { Peer.text("\($0)") } }

    private func texts(_ numbers: Range<Int>) -> [Event] { numbers.map { .message(Array("\($0)".utf8)) } }

    @Test("Nothing of what it sent is lost, and all of it is answered in order", arguments: [64 << 10, 7])
    func messages(_ piece: Int) async throws {
        let limits = limits(200)
        try await withReactor { reactor in
            let connection = reactor.echo(limits: limits)
            let bytes = flood(500) + Peer.frame(9, [7])
            for start in stride(from: 0, to: bytes.count, by: piece) {
                connection.peer.send(Array(bytes[start..<min(start + piece, bytes.count)]))
            }
            for number in 0..<500 { #expect(connection.peer.frame()?.payload == Array("\(number)".utf8)) }
            #expect(connection.peer.frame()?.payload == [7])
            #expect(connection.journal.entries == [.opened] + texts(0..<500))
            #expect(await reactor.statistics().holds >= 1)
        }
    }

    @Test("Its socket is not read meanwhile, so that it can not send either; its end is noticed all the same")
    func socket() async throws {
        let limits = limits(1)
        try await withReactor { reactor in
            let connection = reactor.connection(limits: limits)
            let message = Peer.frame(2, [UInt8](repeating: 1, count: 1000))
            var sent = 0
            var refusals = 0
            while refusals < 20 {
                let count = connection.peer.trySend(Array(message.dropFirst(sent % message.count)))
                sent += count
                refusals = count == 0 ? refusals + 1 : 0
                if count == 0 { try await Task.sleep(for: .milliseconds(5)) }
            }
            #expect(sent < 4 << 20)
            #expect(connection.journal.entries.count < 6)
            connection.peer.end()
            while await reactor.connectionCount() > 0 { try await Task.sleep(for: .milliseconds(5)) }
            guard case .closed = connection.journal.entries.last else {
                Issue.record("its session was not told: \(connection.journal.entries.last as Any)")
                return
            }
        }
    }

    @Test("One that does not stop is told so, and closed with 1008; what it still sends is dropped")
    func tooLong() async throws {
        let limits = limits(10) { $0.maximumHoldTime = 700 }
        try await withReactor { reactor in
            let connection = reactor.connection(limits: limits)
            connection.peer.send(flood(1_000))
            let frame = connection.peer.frame()
            #expect(frame?.opcode == 8 && frame?.payload.prefix(2) == [0x03, 0xF0])
            #expect(connection.journal.entries.last == .rateExceeded)
            #expect((20...60).contains(connection.journal.entries.count))
            connection.peer.send(flood(1_000))
            #expect(connection.peer.frame() == nil)
        }
    }

    @Test("Time in which it is not read is not its silence")
    func silence() async throws {
        let limits = limits(20) {
            $0.pingInterval = 150
            $0.pongTimeout = 150
        }
        try await withReactor { reactor in
            let connection = reactor.connection(limits: limits)
            connection.peer.send(flood(70))
            #expect(connection.journal.wait(for: 72))  // the end comes after the last of them
            #expect(connection.journal.entries.dropLast() == [.opened] + texts(0..<70))
        }
    }

    @Test("A peer that is closed meanwhile is read on, so that its answer is seen")
    func closing() async throws {
        let limits = limits(5)
        try await withReactor { reactor in
            let loops = Journal<any WebSocketLoop>()
            let connection = reactor.connection(
                limits: limits,
                whenReceived: { session, _, _ in
                    guard session.journal.entries.count == 11, let connection = session.connection else { return }
                    let bound = LoopBound(connection)
                    loops.entries.first?.execute { bound.value.close(.goingAway) }
                })
            #expect(connection.loop.wait(for: 1))
            connection.loop.entries.forEach { loops.add($0) }
            connection.peer.send(flood(200) + Peer.frame(8, [0x03, 0xE8]))
            #expect(connection.peer.frame()?.payload.prefix(2) == [0x03, 0xE9])
            #expect(connection.peer.frame() == nil)
            #expect(connection.journal.wait(for: 12))
            #expect(connection.journal.entries.last == .closed(1001, "", isClean: true))
            #expect(connection.journal.entries.count == 12)
        }
    }

    @Test("A session that takes nothing is handed everything at the end, faster than the rate: there is no later")
    func endOfInput() async throws {
        let limits = limits(5)
        try await withReactor { reactor in
            let connection = reactor.connection(limits: limits, whenOpened: { $0.setReading(false) })
            connection.peer.send(flood(50))
            connection.peer.endOutput()
            #expect(connection.journal.wait(for: 52))
            #expect(connection.journal.entries.prefix(51) == [.opened] + texts(0..<50))
        }
    }

    @Test("Bytes above their rate are waited for like messages, in the middle of a message, too")
    func bytes() async throws {
        let limits = limits(1_000) {
            $0.setMaximumMessage(bytes: 200_000)
            $0.bytesPerSecond = 1_000_000
            $0.assemblyTimeout = 100
        }
        try await withReactor { reactor in
            let connection = reactor.echo(limits: limits)
            let payload = [UInt8](repeating: 3, count: 200_000)
            connection.peer.send((0..<3).flatMap { _ in Peer.frame(2, payload) })
            for _ in 0..<3 { #expect(connection.peer.frame()?.payload == payload) }
            #expect(await reactor.statistics().holds >= 2)
        }
    }

    @Test("A session hears of a silence before the ping leaves; one that requires messages is not content with pongs")
    func requiresMessages() async throws {
        let limits = limits(50) {
            $0.pingInterval = 200
            $0.pongTimeout = 700
            $0.pongTimeoutCode = CloseCode(rawValue: 4201)
            $0.pingsWithoutData = true
        }
        for isStrict in [false, true] {
            try await withReactor { reactor in
                let connection = reactor.connection(
                    limits: limits, whenOpened: { if isStrict { $0.requireMessagesAsLife() } },
                    whenSilent: { $0.send("are you there?") })
                for round in 0..<3 {
                    let event = connection.peer.frame()
                    if isStrict, round == 1 {
                        #expect(event?.payload.prefix(2) == [0x10, 0x69])
                        return
                    }
                    #expect(event?.payload == Array("are you there?".utf8))
                    #expect(connection.peer.frame()?.opcode == 9)
                    connection.peer.send(Peer.frame(10, []))
                }
            }
        }
    }
}
#endif
