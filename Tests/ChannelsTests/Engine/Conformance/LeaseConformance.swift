import Channels
import Testing

extension EngineConformance {
    @Suite("Leases of nodes", .timeLimit(.minutes(5)))
    struct Leases {
        private let connections = (0..<6).map { _ in ConnectionID() }

        @Test("A node that ticks keeps its part for as long as it likes", arguments: EngineFixtures.all)
        func renewed(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            cluster.nodes[0].engine.report(subscriptions: 2, version: 1, to: channel, sink: sink)
            _ = try await cluster.nodes[0].engine.enter(channel, Identity("ann"), through: connections[0])
            for _ in 0..<5 { await cluster.outliveLease(cluster.nodes) }
            #expect(sink.comings == ["+ann"])
            #expect(sink.interruptions == 0)
            #expect(try await cluster.nodes[1].engine.occupancy(channel) == Occupancy(subscriptions: 2, users: 1))
        }

        @Test(
            "The presence and the subscriptions of a node end with its lease, told once", arguments: EngineFixtures.all)
        func ended(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 3)
            let (lost, others) = (cluster.nodes[0], Array(cluster.nodes[1...]))
            let channel = try ChannelAddress("lobby")
            let (gone, _) = try await cluster.open(channel, on: lost)
            let (sink, _) = try await cluster.open(channel, on: others[0])
            lost.engine.report(subscriptions: 3, version: 1, to: channel, sink: gone)
            await cluster.settle()
            others[0].engine.report(subscriptions: 2, version: 1, to: channel, sink: sink)
            _ = try await lost.engine.enter(channel, Identity("ann"), through: connections[0])
            _ = try await lost.engine.enter(channel, Identity("bob"), through: connections[1])
            _ = try await others[0].engine.enter(channel, Identity("bob"), through: connections[2])
            await cluster.settle()
            // Not before its time.
            await cluster.advance(by: cluster.leaseMilliseconds / 2)
            await cluster.tick(others)
            #expect(try await others[1].engine.occupancy(channel) == Occupancy(subscriptions: 5, users: 2))
            await cluster.outliveLease(others)
            #expect(try await others[1].engine.members(channel).names == ["bob"])
            #expect(try await others[1].engine.occupancy(channel) == Occupancy(subscriptions: 2, users: 1))
            #expect(sink.comings == ["+ann", "+bob", "-ann"])
            #expect(sink.counts.last == 2)
            let removed = others.flatMap { $0.observer.events(in: channel) }.filter {
                $0 == .memberRemoved(Identity("ann"))
            }
            #expect(removed.count == 1)
            #expect(!lost.observer.events(in: channel).contains(.memberRemoved(Identity("ann"))))
        }

        @Test("A channel that only a lost node was in is vacated", arguments: EngineFixtures.all)
        func vacated(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            cluster.nodes[0].engine.report(subscriptions: 3, version: 1, to: channel, sink: sink)
            await cluster.outliveLease([cluster.nodes[1]])
            #expect(cluster.nodes[1].observer.events(in: channel).last == .vacated)
            #expect(try await cluster.nodes[1].engine.channels(in: "app") == [:])
        }

        @Test(
            "A node that is back is interrupted, and has its part again when it says so again",
            arguments: EngineFixtures.all)
        func back(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (paused, other) = (cluster.nodes[0], cluster.nodes[1])
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: paused)
            let (closed, _) = try await cluster.open(channel, on: paused)
            let (witness, _) = try await cluster.open(channel, on: other)
            paused.engine.close(channel, sink: closed)
            paused.engine.report(subscriptions: 1, version: 4, to: channel, sink: sink)
            _ = try await paused.engine.enter(channel, Identity("ann"), through: connections[0])
            await cluster.settle()
            await cluster.outliveLease([other])
            #expect(witness.comings == ["+ann", "-ann"])
            try await other.engine.say("missed", to: channel)
            await cluster.settle()
            await cluster.tick([paused])
            #expect(sink.interruptions == 1)
            #expect(closed.interruptions == 0)
            // It reads what it has missed, and says again who is there.
            #expect(try await paused.engine.history(channel).texts == ["missed"])
            let snapshot = try await paused.engine.enter(channel, Identity("ann"), through: connections[0])
            paused.engine.report(subscriptions: 1, version: 4, to: channel, sink: sink)
            await cluster.settle()
            #expect(snapshot.names == ["ann"])
            #expect(witness.comings == ["+ann", "-ann", "+ann"])
            #expect(try await other.engine.occupancy(channel) == Occupancy(subscriptions: 1, users: 1))
            let position = try await other.engine.say("heard", to: channel)
            await cluster.settle()
            #expect(sink.received(from: paused.engine).last?.position == position)
            await cluster.tick(cluster.nodes)
            #expect(sink.interruptions == 1 || !paused.engine.isLossless)
            // It leaves as if nothing had been.
            paused.engine.leave(channel, connection: connections[0])
            paused.engine.close(channel, sink: sink)
            await cluster.settle()
            #expect(try await other.engine.occupancy(channel) == Occupancy(subscriptions: 0, users: 0))
        }

        @Test(
            "What a node whose lease has ended says before it ticks does not bring it back for good",
            arguments: EngineFixtures.all)
        func zombie(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (zombie, other) = (cluster.nodes[0], cluster.nodes[1])
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: zombie)
            await cluster.outliveLease([other])
            _ = try? await zombie.engine.enter(channel, Identity("ann"), through: connections[0])
            zombie.engine.report(subscriptions: 5, version: 1, to: channel, sink: sink)
            zombie.engine.leave(channel, connection: connections[1])
            await cluster.settle()
            await cluster.outliveLease([other])
            #expect(try await other.engine.occupancy(channel) == Occupancy(subscriptions: 0, users: 0))
        }

        @Test("A node that stops takes its part with it, and no other", arguments: EngineFixtures.all)
        func stopped(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (stopping, other) = (cluster.nodes[0], cluster.nodes[1])
            let channel = try ChannelAddress("lobby")
            let (gone, _) = try await cluster.open(channel, on: stopping)
            let (sink, _) = try await cluster.open(channel, on: other)
            stopping.engine.report(subscriptions: 3, version: 1, to: channel, sink: gone)
            await cluster.settle()
            other.engine.report(subscriptions: 1, version: 1, to: channel, sink: sink)
            _ = try await stopping.engine.enter(channel, Identity("ann"), through: connections[0])
            _ = try await other.engine.enter(channel, Identity("bob"), through: connections[1])
            try await stopping.engine.say("last words", to: channel)
            await cluster.settle()
            stopping.engine.stop()
            await cluster.settle()
            #expect(try await other.engine.occupancy(channel) == Occupancy(subscriptions: 1, users: 1))
            #expect(sink.comings == ["+ann", "+bob", "-ann"])
            #expect(sink.counts.last == 1)
            let texts = gone.received(from: stopping.engine).map(\.text)
            try await other.engine.say("unheard", to: channel)
            await cluster.settle()
            #expect(gone.received(from: stopping.engine).map(\.text) == texts)
            #expect(try await other.engine.history(channel).texts == ["last words", "unheard"])
            // Nothing of it comes back, whatever else it calls.
            stopping.engine.tick()
            stopping.engine.stop()
            stopping.engine.report(subscriptions: 3, version: 2, to: channel, sink: gone)
            await cluster.settle()
            await cluster.outliveLease([other])
            #expect(try await other.engine.occupancy(channel) == Occupancy(subscriptions: 1, users: 1))
        }

        @Test(
            "Random comings, goings and ended leases are those of a simple model", arguments: EngineFixtures.all, 1...3)
        func random(fixture: any EngineFixture, seed: Int) async throws {
            var generator = SeededGenerator(seed: UInt64(seed))
            let cluster = try await fixture.makeCluster(nodes: 3)
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            let connections = (0..<4).map { _ in ConnectionID(using: &generator) }
            let names = ["ann", "bob", "cid", "dan"]
            var model = PresenceModel()
            for step in 0..<500 {
                switch Int.random(in: 0..<20, using: &generator) {
                case 0:
                    // Node 0 stays; it finds that one of the others is gone, which then comes back.
                    let number = Int.random(in: 1..<3, using: &generator)
                    await cluster.outliveLease([cluster.nodes[0], cluster.nodes[3 - number]])
                    model.end(number, foundBy: 0)
                    await cluster.tick([cluster.nodes[number]])
                case 1..<12:
                    let number = Int.random(in: 0..<3, using: &generator)
                    let place = PresenceModel.Place(
                        node: number, connection: connections[Int.random(in: 0..<4, using: &generator)])
                    let name = names[Int.random(in: 0..<4, using: &generator)]
                    _ = model.enter(name, at: place, maximum: 9)
                    _ = try await cluster.nodes[number].engine.enter(
                        channel, Identity(name), through: place.connection)
                default:
                    let number = Int.random(in: 0..<3, using: &generator)
                    let place = PresenceModel.Place(
                        node: number, connection: connections[Int.random(in: 0..<4, using: &generator)])
                    model.leave(place)
                    cluster.nodes[number].engine.leave(channel, connection: place.connection)
                    await cluster.settle()
                }
                let snapshot = try await cluster.nodes[0].engine.members(channel)
                try #require(snapshot.names == model.names, "step \(step)")
                try #require(snapshot.version == model.version, "step \(step)")
            }
            await cluster.settle()
            if cluster.nodes[0].engine.isLossless { #expect(sink.comings == model.comings.map(\.text)) }
        }
    }
}
