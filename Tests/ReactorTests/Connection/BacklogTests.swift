import Glibc
import Testing
import WebSocketCore

@testable import Reactor

@Suite("What a peer does not take, on a reactor's loop whose clock a test moves", .timeLimit(.minutes(5)))
struct BacklogTests {
    private func frame(_ count: Int) -> SharedFrame { SharedFrame(.binary, [UInt8](repeating: 1, count: count)) }

    private func isWritable(_ event: Event) -> Bool { event == .writable }

    @Test("A session is told as soon as little waits, not only when nothing does; once, and after every burst")
    func becameWritable() throws {
        try withSteppedLoop { loop in
            let slow = loop.connection(sendBuffer: 4096)
            let connection = try #require(slow.connection)
            for round in 1...3 {
                for _ in 0..<20 { connection.send(frame(10_000)) }
                loop.run()
                #expect(!connection.isWritable)
                var reads = 0
                while slow.events.count(where: isWritable) < round, reads < 100 {
                    slow.read(atMost: 10_000)
                    loop.run()
                    reads += 1
                }
                #expect(slow.events.count(where: isWritable) == round)
                #expect(connection.pendingBytes > 0)
                #expect(connection.isWritable)
                while connection.pendingBytes > 0, reads < 100 {
                    slow.read(atMost: .max)
                    loop.run()
                    reads += 1
                }
                #expect(slow.events.count(where: isWritable) == round)
            }
            #expect(slow.frames().count == 60)
        }
    }

    @Test("So it is where the peer takes at once what was too much for one iteration")
    func becameWritableAtOnce() throws {
        try withSteppedLoop { loop in
            let fast = loop.connection(sendBuffer: 1 << 20)
            for round in 1...3 {
                for _ in 0..<7 { fast.connection?.send(frame(10_000)) }
                #expect(fast.connection?.isWritable == false)
                loop.run()
                #expect(fast.events.count(where: isWritable) == round)
                #expect(fast.connection?.isWritable == true)
                #expect(fast.frames().count == 7)
            }
        }
    }

    @Test("When the peer has ended its side, what waits has the linger timeout to leave, and the loop rests meanwhile")
    func halfClosed() throws {
        var limits = ConnectionLimits.calm
        limits.lingerTimeout = 1_000
        try withSteppedLoop { loop in
            let still = loop.connection(limits: limits, sendBuffer: 4096)
            let reading = loop.connection(limits: limits, sendBuffer: 4096)
            for connection in [still, reading] {
                connection.connection?.send(frame(100_000))
                loop.run()
                connection.peer.endOutput()
                loop.run()
            }
            for _ in 0..<100 {
                reading.read(atMost: 10_000)
                loop.run()
            }
            #expect(reading.frames().map(\.payload.count) == [100_000])
            #expect(reading.events.last == .closed(1006, "", isClean: false))
            loop.advance(800)
            #expect(still.events == [.opened])
            loop.advance(500)
            #expect(still.events.last == .closed(1006, "", isClean: false))
        }
    }

    @Test(
        "A byte may wait for so long and no longer, though nothing else happens; what has begun arrives whole",
        arguments: [true, false])
    func age(_ isOwn: Bool) throws {
        var limits = ConnectionLimits.calm
        limits.maximumPendingAge = 3_000
        try withSteppedLoop { [limits] loop in
            let still = loop.connection(limits: limits, sendBuffer: 4096)
            let message = [UInt8](repeating: 1, count: 1_999)
            for _ in 0..<20 {
                if isOwn {
                    still.connection?.send(.binary, message.span.bytes)
                } else {
                    still.connection?.send(SharedFrame(.binary, message))
                }
            }
            loop.run()
            loop.advance(2_800)
            #expect(loop.slowReaders.entries.isEmpty)
            loop.advance(1_500)
            #expect(loop.slowReaders.entries.map(\.reason) == [.stalled])
            var frames: [ServerFrame] = []
            for _ in 0..<30 {
                frames += still.frames()
                loop.run()
            }
            #expect(frames.popLast()?.code == 1013)
            #expect(1..<20 ~= frames.count)
            #expect(frames.allSatisfy { $0.payload == message })
        }
    }

    @Test("Above the node's budget the longest queues go first, and whole messages with them; every time anew")
    func nodeBudget() throws {
        let limit = 1_000_000
        try withSteppedLoop(outputBudget: limit) { loop in
            let short = loop.connection(sendBuffer: 4096)
            short.connection?.send(frame(50_000))
            var cutOff = 0
            for _ in 1...4 {
                for _ in 0..<4 { loop.connection(sendBuffer: 4096).connection?.send(frame(300_000)) }
                loop.run()
                loop.advance(200)
                #expect(loop.loop.backlogBytes <= limit)
                let reasons = loop.slowReaders.entries.map(\.reason)
                #expect(reasons.count > cutOff && reasons.allSatisfy { $0 == .nodeBudget })
                cutOff = reasons.count
            }
            #expect(short.connection?.pendingBytes ?? 0 > 0)
            for _ in 0..<100 {
                short.read(atMost: .max)
                loop.run()
            }
            #expect(short.frames().map(\.payload.count) == [50_000])
        }
    }

    @Test("What a connection has waited to be sent is not in the node's books when it has gone, however it went")
    func books() throws {
        try withSteppedLoop { loop in
            let slow = (0..<3).map { _ in loop.connection(sendBuffer: 4096) }
            for connection in slow { connection.connection?.send(frame(100_000)) }
            loop.run()
            #expect(loop.loop.backlogBytes >= 100_000)
            for connection in slow { connection.peer.end() }
            loop.run()
            #expect(loop.loop.backlogBytes == 0)
        }
    }
}
