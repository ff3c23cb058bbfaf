import Glibc
import Reactor
import Testing
import WebSocketCore

@Suite("A connection on the reactor", .timeLimit(.minutes(5)))
struct ReactorConnectionTests {
    @Test("What was read behind the request comes first, and nothing is lost or doubled, wherever it is cut")
    func handOver() async throws {
        let frames = Peer.text("one") + Peer.frame(2, [UInt8](repeating: 7, count: 300)) + Peer.text("three")
        try await withReactor { reactor in
            for cut in stride(from: 0, through: frames.count, by: 7) {
                let connection = reactor.echo(received: Array(frames[..<cut]))
                connection.peer.send(Array(frames[cut...]))
                #expect(connection.peer.frame()?.payload == Array("one".utf8), "cut at \(cut)")
                #expect(connection.peer.frame()?.payload.count == 300, "cut at \(cut)")
                #expect(connection.peer.frame()?.payload == Array("three".utf8), "cut at \(cut)")
            }
        }
    }

    @Test("Messages of every size come back, byte by byte and at once", arguments: [0, 1, 125, 126, 65_535, 65_536])
    func sizes(_ size: Int) async throws {
        try await withReactor { reactor in
            let connection = reactor.echo()
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            let frame = Peer.frame(2, payload)
            connection.peer.send(frame)
            #expect(connection.peer.frame()?.payload == payload)
            guard size < 1000 else { return }
            for byte in frame { connection.peer.send([byte]) }
            #expect(connection.peer.frame()?.payload == payload)
        }
    }

    @Test("The closing handshake: our side ends first, behind the answer (RFC 6455 §5.5.1, §7.1.1)")
    func close() async throws {
        try await withReactor { reactor in
            let connection = reactor.echo()
            connection.peer.send(Peer.text("last") + Peer.frame(8, [0x03, 0xE8] + Array("bye".utf8)))
            #expect(connection.peer.frame()?.payload == Array("last".utf8))
            let answer = try #require(connection.peer.frame())
            #expect(answer.opcode == 8)
            #expect(answer.payload == [0x03, 0xE8])
            #expect(connection.peer.rest() == [])
            connection.peer.endOutput()
            #expect(connection.journal.wait(for: 3))
            #expect(connection.journal.entries.last == .closed(1000, "bye", isClean: true))
            #expect(await reactor.connectionCount() == 0)
        }
    }

    @Test("A frame that is not masked closes with 1002 (RFC 6455 §5.1)")
    func violation() async throws {
        try await withReactor { reactor in
            let connection = reactor.echo()
            connection.peer.send([0x81, 0x01, 0x41])
            let frame = try #require(connection.peer.frame())
            #expect(frame.opcode == 8)
            #expect(frame.payload.prefix(2) == [0x03, 0xEA])
            #expect(connection.peer.rest() == [])
        }
    }

    @Test("A peer that only ends its side gets what is on its way, and the session is told 1006")
    func halfClose() async throws {
        try await withReactor { reactor in
            let connection = reactor.echo()
            connection.peer.send(Peer.text("a") + Peer.text("b"))
            connection.peer.endOutput()
            #expect(connection.peer.frame()?.payload == Array("a".utf8))
            #expect(connection.peer.frame()?.payload == Array("b".utf8))
            #expect(connection.peer.rest() == [])
            #expect(connection.journal.wait(for: 4))
            #expect(connection.journal.entries.last == .closed(1006, "", isClean: false))
        }
    }

    @Test("A peer that is gone ends its connection and no other")
    func gone() async throws {
        try await withReactor { reactor in
            let other = reactor.echo()
            var connection: TestConnection? = reactor.echo()
            let journal = try #require(connection?.journal)
            #expect(journal.wait(for: 1))
            connection = nil
            #expect(journal.wait(for: 2))
            #expect(journal.entries.last == .closed(1006, "", isClean: false))
            other.peer.send(Peer.text("still here"))
            #expect(other.peer.frame()?.payload == Array("still here".utf8))
            #expect(await reactor.connectionCount() == 1)
        }
    }

    @Test("While a session takes nothing, pings before the next message are answered and messages wait")
    func paused() async throws {
        let gate = Journal<LoopBound<WebSocketConnection>>()
        try await withReactor { reactor in
            let connection = reactor.connection(whenOpened: {
                $0.setReading(false)
                gate.add(LoopBound($0))
            })
            connection.peer.send(Peer.frame(9, [1]) + Peer.frame(9, [2]) + Peer.text("later") + Peer.frame(9, [3]))
            #expect(connection.peer.frame()?.payload == [1])
            #expect(connection.peer.frame()?.payload == [2])
            #expect(connection.journal.entries == [.opened])
            #expect(gate.wait(for: 1))
            let loop = try #require(connection.loop.entries.first)
            let bound = try #require(gate.entries.first)
            loop.execute { bound.value.setReading(true) }
            #expect(connection.peer.frame()?.payload == [3])
            #expect(connection.journal.entries == [.opened, .message(Array("later".utf8))])
        }
    }

    @Test("A session that takes one message at a time gets all of them, in order, however they come")
    func oneAtATime() async throws {
        try await withReactor { reactor in
            let loops = Journal<any WebSocketLoop>()
            let connection = reactor.connection(whenReceived: { session, kind, payload in
                guard let connection = session.connection, let loop = loops.entries.first else { return }
                connection.setReading(false)
                connection.send(kind, payload)
                let bound = LoopBound(connection)
                loop.execute { bound.value.setReading(true) }
            })
            #expect(connection.loop.wait(for: 1))
            connection.loop.entries.forEach { loops.add($0) }
            let bytes = (0..<200).flatMap { Peer.frame(2, [UInt8($0)]) }
            connection.peer.send(bytes)
            for number in 0..<200 { #expect(connection.peer.frame()?.payload == [UInt8(number)]) }
            for byte in bytes { connection.peer.send([byte]) }
            for number in 0..<200 { #expect(connection.peer.frame()?.payload == [UInt8(number)]) }
        }
    }

    @Test("A socket whose session takes nothing is read up to a limit, and all of it arrives afterwards")
    func pausedSocket() async throws {
        let gate = Journal<LoopBound<WebSocketConnection>>()
        try await withReactor { reactor in
            let connection = reactor.connection(whenOpened: {
                $0.setReading(false)
                gate.add(LoopBound($0))
            })
            let message = Peer.frame(2, [UInt8](repeating: 1, count: 1000))
            // Until neither the reactor nor the kernel takes more.
            var sent = 0
            var refusals = 0
            while refusals < 20 {
                let count = connection.peer.trySend(Array(message.dropFirst(sent % message.count)))
                sent += count
                refusals = count == 0 ? refusals + 1 : 0
                if count == 0 { try await Task.sleep(for: .milliseconds(5)) }
            }
            #expect(sent > 64 * 1024)
            #expect(sent < 4 << 20)
            #expect(connection.journal.entries == [.opened])
            #expect(gate.wait(for: 1))
            let loop = try #require(connection.loop.entries.first)
            let bound = try #require(gate.entries.first)
            loop.execute { bound.value.setReading(true) }
            let messages = (sent + message.count - 1) / message.count
            connection.peer.send(Array(message.suffix(messages * message.count - sent)))
            #expect(connection.journal.wait(for: 1 + messages))
            #expect(connection.journal.entries.count == 1 + messages)
        }
    }

    @Test("A dead peer is pinged and given up; one that answers is kept")
    func keepAlive() async throws {
        var limits = ConnectionLimits.calm
        limits.pingInterval = 100
        limits.pongTimeout = 400
        try await withReactor { [limits] reactor in
            let dead = reactor.echo(limits: limits)
            let alive = reactor.echo(limits: limits)
            for _ in 0..<6 {
                #expect(alive.peer.frame()?.opcode == 9)
                alive.peer.send(Peer.frame(10, []))
            }
            #expect(dead.peer.frame()?.opcode == 9)
            #expect(dead.peer.rest() == [])
            #expect(dead.journal.wait(for: 2))
            #expect(dead.journal.entries.last == .closed(1006, "", isClean: false))
            #expect(alive.journal.entries == [.opened])
        }
    }

    @Test("A dead peer is told so where its limits name a code, in case it is there after all")
    func keepAliveWithCode() async throws {
        var limits = ConnectionLimits.calm
        limits.pingInterval = 100
        limits.pongTimeout = 100
        limits.lingerTimeout = 100
        limits.pongTimeoutCode = CloseCode(rawValue: 4201)
        try await withReactor { [limits] reactor in
            let dead = reactor.echo(limits: limits)
            #expect(dead.peer.frame()?.opcode == 9)
            #expect(dead.peer.frame()?.payload == [0x10, 0x69] + Array("no sign of life".utf8))
            #expect(dead.peer.rest() == [])
            #expect(dead.journal.wait(for: 2))
            #expect(dead.journal.entries.last == .closed(4201, "no sign of life", isClean: false))
        }
    }

    @Test("A peer that never answers a close frame is cut off after the close timeout")
    func closeTimeout() async throws {
        var limits = ConnectionLimits.calm
        limits.closeTimeout = 200
        try await withReactor { [limits] reactor in
            let connection = reactor.connection(limits: limits, whenOpened: { $0.close(.normal, reason: "enough") })
            #expect(connection.peer.frame()?.opcode == 8)
            #expect(connection.journal.wait(for: 2))
            #expect(connection.journal.entries.last == .closed(1000, "enough", isClean: false))
            #expect(connection.peer.rest() == [])
        }
    }

    @Test("A message under way that stands still is not waited for")
    func assemblyTimeout() async throws {
        var limits = ConnectionLimits.calm
        limits.assemblyTimeout = 200
        try await withReactor { [limits] reactor in
            let connection = reactor.echo(limits: limits)
            connection.peer.send(Peer.frame(1, Array("half".utf8), isFinal: false))
            let frame = try #require(connection.peer.frame())
            #expect(frame.opcode == 8)
            #expect(frame.payload.prefix(2) == [0x03, 0xF0])
        }
    }

    @Test("Unfinished messages of all connections share a budget")
    func assemblyBudget() async throws {
        try await withReactor(CarrierEnvironment(assemblyBudget: 100_000)) { reactor in
            let greedy = (0..<3).map { _ in reactor.echo() }
            for connection in greedy {
                connection.peer.send(Peer.frame(2, [UInt8](repeating: 0, count: 40_000), isFinal: false))
            }
            let closed = greedy.compactMap { connection -> UInt8? in
                connection.peer.endOutput()
                return connection.peer.frame()?.payload.dropFirst().first
            }
            #expect(closed.contains(0xF5))  // 1013
        }
    }

    @Test("stop() tells those with a code of their own that one, and one after the other when they are many")
    func stopInTurn() async throws {
        try await onOwnThread {
            let reactor = try Reactor(ReactorConfiguration(loops: 1))
            try reactor.start(CarrierEnvironment())
            var limits = ConnectionLimits.calm
            limits.stopCode = CloseCode(rawValue: 4100)
            let connections = (0..<300).map { _ in reactor.echo(limits: limits) }
            let other = reactor.echo()
            for connection in connections { #expect(connection.journal.wait(for: 1)) }
            #expect(other.journal.wait(for: 1))
            let order = Journal<Int>()
            let stopping = Task {
                await reactor.stop(CloseFrame(code: .goingAway, reason: "bye"), within: .seconds(60))
            }
            #expect(other.peer.frame()?.payload == [0x03, 0xE9] + Array("bye".utf8))
            for (number, connection) in connections.enumerated() {
                #expect(connection.peer.frame()?.payload == [0x10, 0x04] + Array("bye".utf8))
                connection.peer.send(Peer.frame(8, [0x10, 0x04]))
                order.add(number)
            }
            other.peer.send(Peer.frame(8, [0x03, 0xE9]))
            for connection in connections { connection.peer.endOutput() }
            other.peer.endOutput()
            await stopping.value
            for connection in connections {
                #expect(connection.journal.entries.last == .closed(4100, "bye", isClean: true))
            }
        }
    }

    @Test("stop() leaves the last word to the session, and the close frame too when it closes")
    func stopWithWords() async throws {
        try await onOwnThread {
            let reactor = try Reactor(ReactorConfiguration(loops: 1))
            try reactor.start(CarrierEnvironment())
            var limits = ConnectionLimits.calm
            limits.stopCode = CloseCode(rawValue: 4100)
            let talking = reactor.connection(whenServerStops: { $0.send("so long") })
            let closing = reactor.connection(
                limits: limits, whenServerStops: { $0.close(CloseCode(rawValue: 4200), reason: "elsewhere") })
            #expect(talking.journal.wait(for: 1))
            #expect(closing.journal.wait(for: 1))
            let stopping = Task {
                await reactor.stop(CloseFrame(code: .goingAway, reason: "bye"), within: .seconds(60))
            }
            #expect(talking.peer.frame()?.payload == Array("so long".utf8))
            #expect(talking.peer.frame()?.payload == [0x03, 0xE9] + Array("bye".utf8))
            #expect(closing.peer.frame()?.payload == [0x10, 0x68] + Array("elsewhere".utf8))
            talking.peer.send(Peer.frame(8, [0x03, 0xE9]))
            closing.peer.send(Peer.frame(8, [0x10, 0x68]))
            for connection in [talking, closing] { connection.peer.endOutput() }
            await stopping.value
            #expect(talking.journal.entries.last == .closed(1001, "bye", isClean: true))
            #expect(closing.journal.entries.last == .closed(4200, "elsewhere", isClean: true))
        }
    }

    @Test("stop() tells everybody 1001, cuts off who does not answer, and takes nobody any more")
    func stop() async throws {
        try await onOwnThread {
            let reactor = try Reactor(ReactorConfiguration(loops: 2))
            try reactor.start(CarrierEnvironment())
            let connections = (0..<10).map { _ in reactor.echo() }
            for connection in connections { #expect(connection.journal.wait(for: 1)) }
            await reactor.stop(CloseFrame(code: .goingAway, reason: "bye"), within: .milliseconds(100))
            for connection in connections {
                #expect(connection.peer.frame()?.payload == [0x03, 0xE9] + Array("bye".utf8))
                #expect(connection.peer.rest() == [])
                #expect(connection.journal.entries.last == .closed(1001, "bye", isClean: false))
            }
            let late = reactor.echo()
            #expect(late.peer.hasEnded(within: 10), "its descriptor is open")
            #expect(late.journal.entries == [])
            #expect(throws: ReactorError.self) { try reactor.start(CarrierEnvironment()) }
        }
    }
}
