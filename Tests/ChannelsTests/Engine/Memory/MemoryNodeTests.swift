import Testing

@testable import Channels

@Suite("Nodes of a memory engine", .timeLimit(.minutes(5)))
struct MemoryNodeTests {
    @Test("A node that is late, but was not found to be, loses nothing")
    func late() async throws {
        let cluster = MemoryFixture().makeMemoryCluster()
        let channel = try ChannelAddress("lobby")
        let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
        _ = try await cluster.engines[0].enter(channel, Identity("ann"), through: ConnectionID())
        cluster.advance(by: 10 * cluster.leaseMilliseconds)
        cluster.engines[0].tick()
        #expect(sink.interruptions == 0)
        #expect(sink.comings == ["+ann"])
        #expect(try await cluster.engines[0].members(channel).names == ["ann"])
    }

    @Test("A lease ends at its time and not before")
    func boundary() async throws {
        let cluster = MemoryFixture().makeMemoryCluster(nodes: 2)
        let channel = try ChannelAddress("lobby")
        _ = try await cluster.engines[0].enter(channel, Identity("ann"), through: ConnectionID())
        cluster.advance(by: 29_999)
        cluster.engines[1].tick()
        #expect(try await cluster.engines[1].members(channel).names == ["ann"])
        cluster.advance(by: 1)
        cluster.engines[1].tick()
        #expect(try await cluster.engines[1].members(channel).names == [])
    }

    @Test(
        "Without its lease a node can not enter and hears nothing; when it is back, its last reports count"
    )
    func suspended() async throws {
        let cluster = MemoryFixture().makeMemoryCluster(nodes: 2)
        let (engine, other) = (cluster.engines[0], cluster.engines[1])
        let channel = try ChannelAddress("lobby")
        let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
        engine.report(subscriptions: 2, version: 1, to: channel, sink: sink)
        cluster.advance(by: cluster.leaseMilliseconds)
        other.tick()
        await #expect(throws: EngineError.unavailable) {
            try await engine.enter(channel, Identity("ann"), through: ConnectionID())
        }
        engine.report(subscriptions: 3, version: 2, to: channel, sink: sink)
        let (late, _) = try await cluster.open(channel, on: cluster.nodes[0])
        #expect(try await other.occupancy(channel).subscriptions == 0)
        // It can publish: nobody else's publication has its position.
        try await engine.say("x", to: channel)
        #expect(sink.received == [])
        #expect(late.received == [])
        engine.tick()
        #expect(sink.interruptions == 1)
        #expect(late.interruptions == 1)
        #expect(sink.counts.last == 3)
        #expect(try await other.occupancy(channel).subscriptions == 3)
        #expect(cluster.nodes[1].observer.events(in: channel) == [.subscriptionCount(0), .vacated])
        #expect(
            cluster.nodes[0].observer.events(in: channel) == [
                .occupied, .subscriptionCount(2), .occupied, .subscriptionCount(3),
            ])
        try await engine.say("y", to: channel)
        #expect(sink.texts == ["y"])
    }

    @Test("A node that begins with a name that is in use ends the one before it")
    func sameName() async throws {
        let cluster = MemoryFixture().makeMemoryCluster(nodes: 2)
        let channel = try ChannelAddress("lobby")
        let (sink, _) = try await cluster.open(channel, on: cluster.nodes[1])
        let (former, _) = try await cluster.open(channel, on: cluster.nodes[0])
        cluster.engines[0].report(subscriptions: 1, version: 1, to: channel, sink: former)
        let connection = ConnectionID()
        _ = try await cluster.engines[0].enter(channel, Identity("ann"), through: connection)
        let engine = MemoryEngine(store: cluster.store, node: cluster.engines[0].node.id)
        #expect(sink.comings == ["+ann", "-ann"])
        #expect(try await engine.occupancy(channel) == Occupancy(subscriptions: 0, users: 0))
        await #expect(throws: EngineError.unavailable) { try await cluster.engines[0].say("x", to: channel) }
        // The one before it can not take away what the new one has.
        _ = try await engine.enter(channel, Identity("bob"), through: connection)
        cluster.engines[0].stop()
        cluster.engines[0].tick()
        #expect(try await engine.members(channel).names == ["bob"])
    }

    @Test("After its stop everything that can fail is unavailable")
    func stopped() async throws {
        let engine = MemoryEngine()
        let channel = try ChannelAddress("lobby")
        engine.stop()
        await #expect(throws: EngineError.unavailable) { try await engine.say("x", to: channel) }
        await #expect(throws: EngineError.unavailable) { try await engine.open(channel, sink: SinkRecorder()) }
        await #expect(throws: EngineError.unavailable) { try await engine.history(channel) }
        await #expect(throws: EngineError.unavailable) { try await engine.newest(channel) }
        await #expect(throws: EngineError.unavailable) {
            try await engine.enter(channel, Identity("ann"), through: ConnectionID())
        }
        await #expect(throws: EngineError.unavailable) { try await engine.members(channel) }
        await #expect(throws: EngineError.unavailable) { try await engine.occupancy(channel) }
        await #expect(throws: EngineError.unavailable) { try await engine.channels(in: "app") }
        engine.relay(Publication("x"), to: channel)
    }

    @Test("A store of its own works with the system's clock and random numbers")
    func defaults() async throws {
        let (first, second) = (MemoryEngine(), MemoryEngine())
        let channel = try ChannelAddress("lobby")
        let (one, two) = (try await first.say("x", to: channel), try await second.say("x", to: channel))
        #expect(one.epoch != two.epoch)
        #expect(try await first.history(channel).texts == ["x"])
        first.tick()
        let clock = MemoryStore.systemClock()
        #expect(clock() <= clock())
    }

    @Test("What is done to many channels at once is done in the order of their names")
    func order() async throws {
        let cluster = MemoryFixture().makeMemoryCluster(nodes: 2)
        var channels: [ChannelAddress] = []
        for number in (100..<200).reversed() {
            let channel = try ChannelAddress("\(number)", in: number % 2 == 0 ? "a" : "b")
            _ = try await cluster.engines[0].enter(channel, Identity("ann"), through: ConnectionID())
            channels.append(channel)
        }
        cluster.advance(by: cluster.leaseMilliseconds)
        cluster.engines[1].tick()
        let expected =
            (channels.filter { $0.namespace == [97] }.reversed() + channels.filter { $0.namespace == [98] }.reversed())
        #expect(cluster.nodes[1].observer.all.map(\.channel) == Array(expected))
    }

    @Test("Nothing of a channel, a sink or an observer stays when the store is let go")
    func freed() async throws {
        weak var sink: SinkRecorder?
        weak var observer: ObserverRecorder?
        weak var store: MemoryStore?
        weak var log: ChannelLog?
        do {
            let cluster = MemoryFixture().makeMemoryCluster(nodes: 2)
            let channel = try ChannelAddress("lobby")
            let opened = try await cluster.open(channel, on: cluster.nodes[0]).sink
            cluster.engines[0].report(subscriptions: 1, version: 1, to: channel, sink: opened)
            try await cluster.engines[0].say("x", to: channel)
            (sink, observer, store) = (opened, cluster.nodes[0].observer, cluster.store)
            log = cluster.store.directory[channel]
            #expect(log != nil)
        }
        #expect(sink == nil)
        #expect(observer == nil)
        #expect(store == nil)
        #expect(log == nil)
    }
}
