import Glibc
import Testing
import WebSocketCore

@testable import Reactor

@Suite("Fan-out on the reactor", .timeLimit(.minutes(5)))
struct FanOutTests {
    /// So many connections of one loop, and their handles for its thread.
    private func audience(
        _ count: Int, _ reactor: Reactor, limits: ConnectionLimits = .calm
    ) throws -> ([TestConnection], any WebSocketLoop, Handles) {
        let handles = Handles()
        let connections = (0..<count).map { _ in
            reactor.connection(limits: limits, whenOpened: { handles.list.append($0) })
        }
        for connection in connections { #expect(connection.journal.wait(for: 1)) }
        return (connections, try #require(connections[0].loop.entries.first), handles)
    }

    /// Touched on the loop's thread only.
    private final class Handles: @unchecked Sendable {
        var list: [WebSocketConnection] = []
    }

    @Test("However many frames a connection is queued in a tick, it is written to once", arguments: [1, 16])
    func oneWrite(_ frames: Int) async throws {
        try await withReactor { reactor in
            let (connections, loop, handles) = try audience(300, reactor)
            let before = await reactor.statistics().writes
            loop.execute {
                for number in 0..<frames {
                    let frame = SharedFrame(.binary, [UInt8](repeating: UInt8(number), count: 64))
                    for handle in handles.list { handle.send(frame) }
                }
            }
            for connection in connections {
                for number in 0..<frames { #expect(connection.peer.frame()?.payload.first == UInt8(number)) }
            }
            #expect(await reactor.statistics().writes - before == 300)
        }
    }

    @Test("Of a large frame to many a tick sends a part, and what is sent next comes behind it")
    func largeFrame() async throws {
        try await withReactor { reactor in
            var limits = ConnectionLimits.calm
            limits.maximumPendingBytes = 200_000
            let (connections, loop, handles) = try audience(200, reactor, limits: limits)
            let large = SharedFrame(.binary, [UInt8](repeating: 7, count: 150_000))
            loop.execute {
                for handle in handles.list { handle.send(large) }
                // In the tick after the large one has been queued for everybody.
                loop.execute {
                    for handle in handles.list { handle.send(SharedFrame(.binary, [UInt8](repeating: 8, count: 100))) }
                }
            }
            for connection in connections {
                #expect(connection.peer.frame()?.payload.count == 150_000)
                #expect(connection.peer.frame()?.payload == [UInt8](repeating: 8, count: 100))
            }
            let statistics = await reactor.statistics()
            #expect((8 << 20)...(9 << 20) ~= statistics.mostLargeBytesSent, "\(statistics.mostLargeBytesSent)")
            #expect(statistics.slowReaders == 0)
        }
    }

    @Test("What few are sent is not written behind what many were sent before, and the many get half of each tick")
    func fewBesideMany() throws {
        var limits = LoopLimits()
        limits.writesPerTick = 8
        try withSteppedLoop(limits: limits) { loop in
            let many = (0..<20).map { _ in loop.connection() }
            let few = (0..<6).map { _ in loop.connection() }
            func written(_ connections: [SteppedConnection]) -> [Int] { connections.map { $0.frames().count } }
            // Twice: the lists begin again each at its own time.
            for text in ["1", "2"] {
                loop.loop.queuesForMany(true)
                for connection in many { connection.connection?.send(SharedFrame(text: text)) }
                loop.loop.queuesForMany(false)
                for connection in few { connection.connection?.send(SharedFrame(text: text)) }
                loop.turn()
                #expect(written(few) == [1, 1, 1, 1, 0, 0])
                #expect(written(many) == Array(repeating: 1, count: 4) + Array(repeating: 0, count: 16))
                few[0].connection?.send("again")
                loop.turn()
                #expect(written(few) == [1, 0, 0, 0, 1, 1])
                #expect(written(many).reduce(0, +) == 5)
                loop.run()
                #expect(written(many).reduce(0, +) == 11)
                #expect(written(few) == [0, 0, 0, 0, 0, 0])
            }
        }
    }

    @Test("A burst from other threads wakes the loop once")
    func oneWakeUp() async throws {
        try await withReactor { reactor in
            let (connections, loop, handles) = try audience(3, reactor)
            // While the loop is busy it has not yet looked at what the others ask.
            let isBusy = Journal<Bool>()
            let mayGoOn = Journal<Bool>()
            let before = await reactor.statistics().wakeUps
            loop.execute {
                isBusy.add(true)
                _ = mayGoOn.wait(for: 1)
            }
            #expect(isBusy.wait(for: 1))
            for number in 0..<100 {
                let frame = SharedFrame(.binary, [UInt8(number)])
                loop.execute { for handle in handles.list { handle.send(frame) } }
            }
            mayGoOn.add(true)
            for connection in connections {
                for number in 0..<100 { #expect(connection.peer.frame()?.payload == [UInt8(number)]) }
            }
            // One for the task that kept it busy, one for the burst, and one for asking.
            #expect(await reactor.statistics().wakeUps - before == 3)
        }
    }

    @Test("What connections are queued in common and what each is queued for itself leaves in its order")
    func mixed() async throws {
        try await withReactor { reactor in
            let (connections, loop, handles) = try audience(20, reactor)
            loop.execute {
                for round in 0..<10 {
                    let common = SharedFrame(.binary, [UInt8](repeating: UInt8(round), count: 40 * round))
                    for (number, handle) in handles.list.enumerated() {
                        if number % 3 == round % 3 {
                            let own: [UInt8] = [0xF0, UInt8(number), UInt8(round)]
                            handle.send(.binary, own.span.bytes)
                        }
                        if number % 5 != round % 5 { handle.send(common) }
                    }
                }
            }
            for (number, connection) in connections.enumerated() {
                for round in 0..<10 {
                    if number % 3 == round % 3 {
                        #expect(connection.peer.frame()?.payload == [0xF0, UInt8(number), UInt8(round)])
                    }
                    if number % 5 != round % 5 {
                        #expect(connection.peer.frame()?.payload == [UInt8](repeating: UInt8(round), count: 40 * round))
                    }
                }
            }
        }
    }

    @Test("More than the loop collects in a tick leaves in between, in its order")
    func full() async throws {
        var limits = ConnectionLimits.calm
        limits.maximumPendingBytes = 32 << 20
        try await withReactor { [limits] reactor in
            let (connections, loop, handles) = try audience(2, reactor, limits: limits)
            loop.execute {
                for number in 0..<60 {
                    let frame = SharedFrame(.binary, [UInt8](repeating: UInt8(number), count: 200_000))
                    handles.list[number % 2].send(frame)
                }
            }
            for number in 0..<60 {
                let frame = try #require(connections[number % 2].peer.frame())
                #expect(frame.payload.count == 200_000)
                #expect(frame.payload.first == UInt8(number))
            }
        }
    }

    @Test("A message larger than everything else is sent whole")
    func large() async throws {
        var limits = ConnectionLimits.calm
        limits.setMaximumMessage(bytes: 32 << 20)
        try await withReactor { [limits] reactor in
            let connection = reactor.echo(limits: limits)
            let payload = (0..<(9 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 7) }
            let frame = Peer.frame(2, payload)
            let sender = connection.peer
            let sending = Task.detached { sender.send(frame) }
            #expect(connection.peer.frame()?.payload == payload)
            await sending.value
        }
    }
}
