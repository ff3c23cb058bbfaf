import Glibc
import Testing
import WebSocketCore

@testable import Reactor

@Suite("Readers that do not keep up, on the reactor", .timeLimit(.minutes(5)))
struct ReactorSlowReaderTests {
    /// A reactor that writes down whom it cuts off.
    private func withWatchedReactor(
        budget: Int = 256 << 20, _ body: (Reactor, Journal<SlowReader>) async throws -> Void
    ) async throws {
        let cutOff = Journal<SlowReader>()
        let environment = CarrierEnvironment(
            outputBudget: OutputBudget(bytes: budget), onSlowReader: { cutOff.add($0) })
        try await withReactor(environment) { try await body($0, cutOff) }
    }

    /// What a peer reads until the end: messages, and the close code if there is one.
    private func drain(_ peer: Peer) -> (messages: [[UInt8]], code: Int?) {
        var messages: [[UInt8]] = []
        while let frame = peer.frame() {
            if frame.opcode == 8 {
                return (messages, frame.payload.prefix(2).reduce(0) { $0 << 8 | Int($1) })
            }
            messages.append(frame.payload)
        }
        return (messages, nil)
    }

    @Test("Above the hard limit: what has begun arrives, then 1013, and the memory is free at once")
    func hardLimit() async throws {
        try await withWatchedReactor { reactor, cutOff in
            let handles = Journal<LoopBound<WebSocketConnection>>()
            let slow = reactor.connection(sendBuffer: 4096, whenOpened: { handles.add(LoopBound($0)) })
            let other = reactor.echo()
            #expect(handles.wait(for: 1))
            let loop = try #require(slow.loop.entries.first)
            let handle = try #require(handles.entries.first)
            let pending = Journal<Int>()
            for number in 0..<300 {
                let frame = SharedFrame(.binary, [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 10_000))
                loop.execute {
                    handle.value.send(frame)
                    pending.add(handle.value.pendingBytes)
                }
                #expect(pending.wait(for: number + 1))
            }
            #expect(cutOff.wait(for: 1))
            let report = try #require(cutOff.entries.first)
            #expect(report.reason == .hardLimit)
            #expect(report.pendingBytes > 1 << 20)
            #expect(pending.entries.allSatisfy { $0 <= 1 << 20 + 20_000 })
            #expect((pending.entries.last ?? .max) < 30_000)
            other.peer.send(Peer.text("unharmed"))
            #expect(other.peer.frame()?.payload == Array("unharmed".utf8))
            let (messages, code) = drain(slow.peer)
            #expect(code == 1013)
            #expect(messages.count < 100)
            for (number, message) in messages.enumerated() {
                #expect(message == [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 10_000))
            }
            slow.peer.endOutput()
            #expect(slow.journal.wait(for: 2))
            #expect(slow.journal.entries.last == .closed(1013, "reader too slow", isClean: false))
            #expect(await reactor.statistics().slowReaders == 1)
        }
    }

    @Test(
        "A reader whose limits name another code is cut off with that, however it came to it", arguments: [true, false])
    func ownCode(_ isBurst: Bool) async throws {
        var limits = ConnectionLimits.calm
        limits.slowReaderCode = CloseCode(rawValue: 4100)
        try await withWatchedReactor { [limits] reactor, cutOff in
            let handles = Journal<LoopBound<WebSocketConnection>>()
            let slow = reactor.connection(limits: limits, sendBuffer: 4096, whenOpened: { handles.add(LoopBound($0)) })
            #expect(handles.wait(for: 1))
            let loop = try #require(slow.loop.entries.first)
            let handle = try #require(handles.entries.first)
            let frame = SharedFrame(.binary, [UInt8](repeating: 1, count: 10_000))
            let sent = Journal<Int>()
            for number in 0..<(isBurst ? 1 : 300) {
                loop.execute {
                    for _ in 0..<(isBurst ? 300 : 1) { handle.value.send(frame) }
                    sent.add(number)
                }
                #expect(sent.wait(for: number + 1))
            }
            #expect(cutOff.wait(for: 1))
            #expect(drain(slow.peer).code == 4100)
        }
    }

    @Test("What is queued in one tick is no more to be kept than what is queued over many")
    func burst() async throws {
        try await withWatchedReactor { reactor, cutOff in
            let slow = reactor.connection(
                sendBuffer: 4096,
                whenOpened: { connection in
                    for _ in 0..<300 { connection.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 10_000))) }
                })
            #expect(cutOff.wait(for: 1))
            #expect(cutOff.entries.first?.reason == .hardLimit)
            let (messages, code) = drain(slow.peer)
            #expect(code == 1013)
            #expect(messages.allSatisfy { $0.count == 10_000 })
            #expect(messages.count < 100)
        }
    }

    @Test(
        "Of a burst that is cut off only what has begun takes memory, the connection's own or not",
        arguments: [true, false])
    func memoryOfBurst(_ isOwn: Bool) async throws {
        try await withWatchedReactor { reactor, cutOff in
            let slow = reactor.connection(
                sendBuffer: 4096,
                whenOpened: { connection in
                    let message = [UInt8](repeating: 1, count: 10_000)
                    for _ in 0..<300 {
                        if isOwn {
                            connection.send(.binary, message.span.bytes)
                        } else {
                            connection.send(SharedFrame(.binary, message))
                        }
                    }
                })
            #expect(cutOff.wait(for: 1))
            let held = Journal<Int>()
            reactor.loops[0].execute { [loop = reactor.loops[0]] in held.add(loop.backlogBytes) }
            #expect(held.wait(for: 1))
            #expect((held.entries.first ?? .max) < 30_000)
            withExtendedLifetime(slow) {}
        }
    }

    @Test("What those keep that are being closed counts, and goes where the node has no room for it")
    func closing() async throws {
        try await withWatchedReactor(budget: 1 << 20) { reactor, cutOff in
            let loop = reactor.loops[0]
            var limits = ConnectionLimits.calm
            limits.maximumPendingBytes = 100_000
            let handles = Journal<LoopBound<WebSocketConnection>>()
            let slow = (0..<10).map { _ in
                reactor.connection(limits: limits, sendBuffer: 4096, whenOpened: { handles.add(LoopBound($0)) })
            }
            #expect(handles.wait(for: 10))
            for handle in handles.entries {
                // Of the first a part leaves, and the third is too much.
                for number in 0..<3 as Range<UInt8> {
                    let sent = Journal<UInt8>()
                    loop.execute {
                        handle.value.send(SharedFrame(.binary, [UInt8](repeating: number, count: 300_000)))
                        loop.execute { sent.add(number) }
                    }
                    #expect(sent.wait(for: 1))
                }
            }
            #expect(cutOff.wait(for: 10))
            let held = Journal<Int>()
            for attempt in 1...100 where held.entries.last.map({ $0 > 1 << 20 }) ?? true {
                usleep(20_000)
                loop.execute { held.add(loop.backlogBytes) }
                #expect(held.wait(for: attempt))
            }
            #expect((held.entries.last ?? .max) <= 1 << 20)
            withExtendedLifetime(slow) {}
        }
    }

    @Test(
        "Where the budget is scarce, a reader that takes nothing is cut off after a second, and one that reads is not")
    func scarcity() async throws {
        try await withWatchedReactor(budget: 1 << 20) { reactor, cutOff in
            let frame = SharedFrame(.binary, [UInt8](repeating: 1, count: 400_000))
            let still = (0..<2).map { _ in
                reactor.connection(
                    sendBuffer: 4096,
                    whenOpened: { $0.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 400_000))) })
            }
            for connection in still { #expect(connection.journal.wait(for: 1)) }
            let reading = reactor.connection(sendBuffer: 4096, whenOpened: { $0.send(frame) })
            #expect(reading.peer.frame()?.payload.count == 400_000)
            #expect(cutOff.wait(for: 1))
            #expect(cutOff.entries.allSatisfy { $0.reason == .nodeBudget })
            reading.peer.send(Peer.text("still here"))
            #expect(reading.journal.wait(for: 2))
            withExtendedLifetime(still) {}
        }
    }

    @Test("What many readers leave behind that are gone at once is let go of a part at a time")
    func releases() async throws {
        try await withWatchedReactor { reactor, cutOff in
            let loop = reactor.loops[0]
            var slow = (0..<40).map { _ in
                reactor.connection(
                    sendBuffer: 4096,
                    whenOpened: { connection in
                        for _ in 0..<1_000 { connection.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 200))) }
                    })
            }
            let held = Journal<Int>()
            while (held.entries.last ?? 0) < 40 * 150_000 {
                loop.execute { held.add(loop.backlogBytes) }
                try #require(held.wait(for: held.entries.count + 1))
            }
            slow = []
            while held.entries.last != 0 {
                loop.execute { held.add(loop.backlogBytes) }
                try #require(held.wait(for: held.entries.count + 1))
            }
            #expect(cutOff.entries.isEmpty)
            #expect(slow.isEmpty)
            let most = await reactor.statistics().mostReleases
            #expect(64..<16_385 ~= most, "\(most)")
        }
    }

    @Test("A single message may be larger than the limit")
    func oneLargeMessage() async throws {
        try await withWatchedReactor { reactor, cutOff in
            let connection = reactor.connection(
                sendBuffer: 4096,
                whenOpened: { $0.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 3 << 20))) })
            #expect(connection.peer.frame()?.payload.count == 3 << 20)
            #expect(cutOff.entries.isEmpty)
        }
    }

    @Test("Above the soft limit for too long, and a byte that waits for too long", arguments: [true, false])
    func time(_ isAboveSoftLimit: Bool) async throws {
        var limits = ConnectionLimits.calm
        limits.softPendingTime = isAboveSoftLimit ? 300 : 600_000
        limits.maximumPendingAge = isAboveSoftLimit ? 600_000 : 1_500
        try await withWatchedReactor { [limits] reactor, cutOff in
            let handles = Journal<LoopBound<WebSocketConnection>>()
            let slow = reactor.connection(
                limits: limits, sendBuffer: 4096,
                whenOpened: { handles.add(LoopBound($0)) })
            #expect(handles.wait(for: 1))
            let handle = try #require(handles.entries.first)
            // What is queued at once counts as one message, which the soft limit does not count while it is under way.
            let pending = Journal<Int>()
            for number in 0..<(isAboveSoftLimit ? 40 : 10) {
                reactor.loops[0].execute {
                    handle.value.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 10_000)))
                    pending.add(handle.value.pendingBytes)
                }
                #expect(pending.wait(for: number + 1))
            }
            try #require(cutOff.wait(for: 1))
            #expect(cutOff.entries.first?.reason == (isAboveSoftLimit ? .softLimit : .stalled))
            #expect(drain(slow.peer).code == 1013)
        }
    }

    @Test("A reader of a few bytes at a time that keeps up with what it is sent is left alone")
    func slowButSteady() async throws {
        var limits = ConnectionLimits.calm
        limits.maximumPendingAge = 2_000
        try await withWatchedReactor { [limits] reactor, cutOff in
            let handles = Journal<LoopBound<WebSocketConnection>>()
            let slow = reactor.connection(
                limits: limits, sendBuffer: 4096, whenOpened: { handles.add(LoopBound($0)) })
            #expect(handles.wait(for: 1))
            let loop = try #require(slow.loop.entries.first)
            let handle = try #require(handles.entries.first)
            for number in 0..<30 {
                loop.execute {
                    handle.value.send(SharedFrame(.binary, [UInt8](repeating: UInt8(number), count: 20_000)))
                }
                #expect(slow.peer.frame()?.payload == [UInt8](repeating: UInt8(number), count: 20_000))
            }
            #expect(cutOff.entries.isEmpty)
        }
    }

    @Test("Above the node's budget the longest queues go first, and the rest stays")
    func budget() async throws {
        try await withWatchedReactor(budget: 1_500_000) { reactor, cutOff in
            let connections = (1...6).map { number in
                reactor.connection(
                    sendBuffer: 4096,
                    whenOpened: { connection in
                        for _ in 0..<number {
                            connection.send(SharedFrame(.binary, [UInt8](repeating: UInt8(number), count: 90_000)))
                        }
                    })
            }
            #expect(cutOff.wait(for: 1))
            for connection in connections { #expect(connection.journal.wait(for: 1)) }
            #expect(await reactor.connectionCount() >= 5)
            let reasons = Set(cutOff.entries.map(\.reason))
            #expect(reasons == [.nodeBudget])
            let (messages, code) = drain(connections[5].peer)
            #expect(code == 1013)
            #expect(messages.count < 6)
            #expect(messages.allSatisfy { $0 == [UInt8](repeating: 6, count: 90_000) })
            for number in 1...3 {
                for _ in 0..<number {
                    #expect(connections[number - 1].peer.frame()?.payload.count == 90_000)
                }
            }
        }
    }

    @Test("Readers that come to their limit together, and take more, cost a tick no more than it may send")
    func limitOfManyAtOnce() async throws {
        let (readers, messages, bytes) = (40, 20, 100_000)
        try await withWatchedReactor { reactor, cutOff in
            let handles = Journal<LoopBound<WebSocketConnection>>()
            let slow = (0..<readers).map { _ in
                reactor.connection(sendBuffer: 1 << 20, whenOpened: { handles.add(LoopBound($0)) })
            }
            #expect(handles.wait(for: readers))
            let left = Journal<Int>()
            reactor.loops[0].execute {
                // A frame for each, so that nothing is shared.
                for number in 0..<messages {
                    for handle in handles.entries {
                        handle.value.send(SharedFrame(.binary, [UInt8](repeating: UInt8(number), count: bytes)))
                    }
                }
                left.add(handles.entries.reduce(readers * messages * bytes) { $0 - $1.value.pendingBytes })
            }
            #expect(left.wait(for: 1))
            let sent = try #require(left.entries.first)
            #expect(sent <= LoopLimits().largeWriteBytes + bytes)
            #expect(cutOff.entries.isEmpty)
            for reader in slow {
                for number in 0..<messages {
                    #expect(reader.peer.frame()?.payload == [UInt8](repeating: UInt8(number), count: bytes))
                }
            }
            #expect(cutOff.entries.isEmpty)
        }
    }

    @Test("A session is told when its peer has caught up")
    func becameWritable() async throws {
        try await withReactor { reactor in
            let states = Journal<Bool>()
            let connection = reactor.connection(
                sendBuffer: 4096,
                whenOpened: { connection in
                    states.add(connection.isWritable)
                    for _ in 0..<50 { connection.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 10_000))) }
                    states.add(connection.isWritable)
                })
            #expect(states.wait(for: 2))
            #expect(states.entries == [true, false])
            for _ in 0..<50 { #expect(connection.peer.frame()?.payload.count == 10_000) }
            #expect(connection.journal.wait(for: 2))
            #expect(connection.journal.entries == [.opened, .writable])
        }
    }

    @Test("A session that has queued much in one tick is told at its end, when the peer has taken all of it")
    func becameWritableAtOnce() async throws {
        try await withReactor { reactor in
            let states = Journal<Bool>()
            let connection = reactor.connection(
                sendBuffer: 1 << 20,
                whenOpened: { connection in
                    for _ in 0..<7 { connection.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 10_000))) }
                    states.add(connection.isWritable)
                })
            #expect(connection.journal.wait(for: 2))
            #expect(states.entries == [false])
            #expect(connection.journal.entries == [.opened, .writable])
        }
    }

    @Test("While output is blocked only the newest pong is kept (RFC 6455 §5.5.3)")
    func heldPong() async throws {
        try await withReactor { reactor in
            let connection = reactor.connection(
                sendBuffer: 4096,
                whenOpened: { $0.send(SharedFrame(.binary, [UInt8](repeating: 1, count: 500_000))) },
                whenReceived: { _, _, _ in })
            #expect(connection.journal.wait(for: 1))
            // The loop has written what it can by the time it answers this.
            _ = await reactor.statistics()
            _ = await reactor.statistics()
            for number in 0..<5 { connection.peer.send(Peer.frame(9, [UInt8(number)])) }
            connection.peer.send(Peer.text("read"))
            #expect(connection.journal.wait(for: 2))
            #expect(connection.peer.frame()?.payload.count == 500_000)
            let pong = try #require(connection.peer.frame())
            #expect(pong.opcode == 10)
            #expect(pong.payload == [4])
            connection.peer.endOutput()
            #expect(connection.peer.rest() == [])
        }
    }
}
