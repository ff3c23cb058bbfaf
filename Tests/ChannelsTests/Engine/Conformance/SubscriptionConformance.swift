import Channels
import Testing

extension EngineConformance {
    @Suite("Counting subscriptions", .timeLimit(.minutes(5)))
    struct Subscriptions {
        @Test(
            "The subscriptions of all nodes' sinks are added up, and every sink is told", arguments: EngineFixtures.all)
        func sum(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            let channel = try ChannelAddress("news")
            let first = try await cluster.open(channel, on: here).sink
            let second = try await cluster.open(channel, on: there).sink
            let third = try await cluster.open(channel, on: there).sink
            here.engine.report(subscriptions: 3, version: 1, to: channel, sink: first)
            await cluster.settle()
            there.engine.report(subscriptions: 4, version: 1, to: channel, sink: second)
            await cluster.settle()
            there.engine.report(subscriptions: 1, version: 1, to: channel, sink: third)
            await cluster.settle()
            here.engine.report(subscriptions: 2, version: 2, to: channel, sink: first)
            await cluster.settle()
            #expect(try await here.engine.occupancy(channel) == Occupancy(subscriptions: 7, users: 0))
            #expect(first.counts.last == 7)
            #expect(third.counts.last == 7)
            if here.engine.isLossless { #expect(second.counts == [3, 7, 8, 7]) }
            there.engine.close(channel, sink: second)
            await cluster.settle()
            #expect(try await there.engine.occupancy(channel) == Occupancy(subscriptions: 3, users: 0))
            #expect(first.counts.last == 3)
            #expect(second.counts.last == 7)
        }

        @Test("A report with a lower version than one before does nothing", arguments: EngineFixtures.all)
        func overtaken(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            engine.report(subscriptions: 5, version: 7, to: channel, sink: sink)
            engine.report(subscriptions: 9, version: 6, to: channel, sink: sink)
            engine.report(subscriptions: 0, version: 1, to: channel, sink: sink)
            await cluster.settle()
            #expect(try await engine.occupancy(channel).subscriptions == 5)
            engine.report(subscriptions: 4, version: 9, to: channel, sink: sink)
            engine.report(subscriptions: 5, version: 8, to: channel, sink: sink)
            await cluster.settle()
            #expect(try await engine.occupancy(channel).subscriptions == 4)
            #expect(sink.counts.last == 4)
        }

        @Test(
            "A report before the opening has completed counts as well, the newest of several",
            arguments: EngineFixtures.all)
        func early(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            let (first, second) = (SinkRecorder(), SinkRecorder())
            engine.report(subscriptions: 1, version: 1, to: channel, sink: first)
            engine.report(subscriptions: 3, version: 3, to: channel, sink: first)
            engine.report(subscriptions: 2, version: 2, to: channel, sink: first)
            engine.report(subscriptions: 5, version: 1, to: channel, sink: second)
            _ = try await engine.open(channel, sink: first)
            await cluster.settle()
            #expect(try await engine.occupancy(channel).subscriptions == 3)
            engine.report(subscriptions: 9, version: 2, to: channel, sink: first)
            _ = try await engine.open(channel, sink: second)
            await cluster.settle()
            #expect(try await engine.occupancy(channel).subscriptions == 8)
        }

        @Test("A report that comes after the closing does nothing", arguments: EngineFixtures.all)
        func late(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let node = cluster.nodes[0]
            let channel = try ChannelAddress("news")
            let (sink, _) = try await cluster.open(channel, on: node)
            node.engine.report(subscriptions: 2, version: 1, to: channel, sink: sink)
            await cluster.settle()
            node.engine.close(channel, sink: sink)
            node.engine.report(subscriptions: 1, version: 2, to: channel, sink: sink)
            await cluster.settle()
            #expect(try await node.engine.occupancy(channel).subscriptions == 0)
            #expect(try await node.engine.channels(in: "app") == [:])
            #expect(node.observer.events(in: channel).last == .vacated)
        }

        @Test(
            "The first subscription and the end of the last are observed, and each number",
            arguments: EngineFixtures.all)
        func observed(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            let channel = try ChannelAddress("news")
            let first = try await cluster.open(channel, on: here).sink
            let second = try await cluster.open(channel, on: there).sink
            await cluster.settle()
            #expect(here.observer.all.isEmpty && there.observer.all.isEmpty)
            here.engine.report(subscriptions: 1, version: 1, to: channel, sink: first)
            await cluster.settle()
            here.engine.report(subscriptions: 1, version: 2, to: channel, sink: first)
            await cluster.settle()
            there.engine.report(subscriptions: 2, version: 1, to: channel, sink: second)
            await cluster.settle()
            here.engine.report(subscriptions: 0, version: 3, to: channel, sink: first)
            await cluster.settle()
            there.engine.close(channel, sink: second)
            await cluster.settle()
            here.engine.close(channel, sink: first)
            await cluster.settle()
            #expect(here.observer.events(in: channel) == [.occupied, .subscriptionCount(1), .subscriptionCount(2)])
            #expect(there.observer.events(in: channel) == [.subscriptionCount(3), .subscriptionCount(0), .vacated])
        }

        @Test(
            "Occupancy counts subscriptions and users; of a channel that nobody knows there are none",
            arguments: EngineFixtures.all)
        func occupancy(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: here)
            here.engine.report(subscriptions: 3, version: 1, to: channel, sink: sink)
            _ = try await here.engine.enter(channel, Identity("ann"), through: ConnectionID())
            _ = try await here.engine.enter(channel, Identity("ann"), through: ConnectionID())
            _ = try await there.engine.enter(channel, Identity("bob"), through: ConnectionID())
            await cluster.settle()
            for node in cluster.nodes {
                #expect(try await node.engine.occupancy(channel) == Occupancy(subscriptions: 3, users: 2))
                #expect(
                    try await node.engine.occupancy(ChannelAddress("nobody")) == Occupancy(subscriptions: 0, users: 0))
            }
        }

        @Test("The occupied channels of a namespace are those with a subscription", arguments: EngineFixtures.all)
        func channels(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            var sinks: [(ChannelAddress, SinkRecorder)] = []
            for (number, name) in ["a", "ab", "abc", "b", "presence-x"].enumerated() {
                let channel = try ChannelAddress(name)
                let node = cluster.nodes[number % 2]
                let (sink, _) = try await cluster.open(channel, on: node)
                node.engine.report(subscriptions: number + 1, version: 1, to: channel, sink: sink)
                sinks.append((channel, sink))
            }
            _ = try await here.engine.enter(try ChannelAddress("presence-x"), Identity("ann"), through: ConnectionID())
            // These are not occupied: published to, opened, with a user, in another namespace.
            try await here.engine.say("x", to: try ChannelAddress("published"))
            _ = try await cluster.open(try ChannelAddress("opened"), on: here)
            _ = try await here.engine.enter(try ChannelAddress("entered"), Identity("ann"), through: ConnectionID())
            let other = try ChannelAddress("a", in: "other")
            let (foreign, _) = try await cluster.open(other, on: here)
            here.engine.report(subscriptions: 1, version: 1, to: other, sink: foreign)
            await cluster.settle()
            let all = [
                "a": Occupancy(subscriptions: 1, users: 0), "ab": Occupancy(subscriptions: 2, users: 0),
                "abc": Occupancy(subscriptions: 3, users: 0), "b": Occupancy(subscriptions: 4, users: 0),
                "presence-x": Occupancy(subscriptions: 5, users: 1),
            ]
            #expect(try await there.engine.channels(in: "app") == all)
            #expect(try await here.engine.channels(in: "app", prefix: "ab") == all.filter { $0.key.hasPrefix("ab") })
            #expect(try await here.engine.channels(in: "app", prefix: "presence-").keys.sorted() == ["presence-x"])
            #expect(try await here.engine.channels(in: "app", prefix: "c") == [:])
            #expect(try await here.engine.channels(in: "other").keys.sorted() == ["a"])
            #expect(try await here.engine.channels(in: "ap") == [:])
            here.engine.close(sinks[0].0, sink: sinks[0].1)
            there.engine.report(subscriptions: 0, version: 2, to: sinks[1].0, sink: sinks[1].1)
            await cluster.settle()
            #expect(try await here.engine.channels(in: "app").keys.sorted() == ["abc", "b", "presence-x"])
        }

        @Test("Reports on several threads add up to the newest of each sink", arguments: EngineFixtures.all)
        func threads(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            var sinks: [SinkRecorder] = []
            for node in cluster.nodes { sinks.append(try await cluster.open(channel, on: node).sink) }
            let all = sinks
            // Two threads report for each sink, with every version once between them, in any order.
            await onThreads(4) { thread in
                for number in stride(from: thread / 2, to: 1_000, by: 2) {
                    cluster.nodes[thread % 2].engine.report(
                        subscriptions: number == 999 ? 10 + thread % 2 : number % 5, version: UInt64(number),
                        to: channel, sink: all[thread % 2])
                }
            }
            await cluster.settle()
            #expect(try await cluster.nodes[0].engine.occupancy(channel).subscriptions == 21)
            for sink in sinks { #expect(sink.counts.last == 21) }
            let events = cluster.nodes.flatMap { $0.observer.events(in: channel) }
            #expect(events.count { $0 == .occupied } == events.count { $0 == .vacated } + 1)
        }
    }
}
