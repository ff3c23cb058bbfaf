import Channels
import Testing

extension EngineConformance {
    @Suite("Publishing", .timeLimit(.minutes(5)))
    struct Publishing {
        @Test("Offsets are 1, 2, 3 … in one epoch, whichever node publishes", arguments: EngineFixtures.all)
        func offsets(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 3)
            let channel = try ChannelAddress("news")
            var positions: [Position] = []
            for number in 0..<9 {
                positions.append(try await cluster.nodes[number % 3].engine.say("\(number)", to: channel))
            }
            #expect(positions.map(\.offset) == Array(1...9))
            #expect(Set(positions.map(\.epoch)).count == 1)
        }

        @Test(
            "A request's positions are in the order of its entries, also for one channel", arguments: EngineFixtures.all
        )
        func batch(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let (one, two) = (try ChannelAddress("one"), try ChannelAddress("two"))
            try await engine.say("before", to: one)
            let entries = [one, two, one, one].enumerated().map { number, channel in
                PublishRequest.Entry(
                    channel: channel.name, publication: Publication("\(number)"), retention: Retention())
            }
            let positions = try await engine.publish(PublishRequest(namespace: one.namespace, entries: entries))
            #expect(positions.map(\.offset) == [2, 1, 3, 4])
            #expect(positions[0].epoch == positions[2].epoch)
            #expect(positions[0].epoch == positions[3].epoch)
            #expect(try await engine.history(one).texts == ["before", "0", "2", "3"])
            #expect(try await engine.history(two).texts == ["1"])
        }

        @Test("A request for nothing publishes nothing", arguments: EngineFixtures.all)
        func nothing(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            #expect(try await engine.publish(PublishRequest(namespace: [1], entries: [])) == [])
        }

        @Test("What is kept is read at its position on every node, byte for byte", arguments: EngineFixtures.all)
        func kept(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let publication = Publication(
                event: Array("an event \u{1F600}".utf8), data: Array(0...255), sender: Array("ann".utf8))
            let nobody = Publication(event: [], data: [], sender: [])
            let positions = try await cluster.nodes[0].engine.publish(
                PublishRequest(
                    namespace: channel.namespace,
                    entries: [publication, nobody, Publication(data: [])].map {
                        PublishRequest.Entry(channel: channel.name, publication: $0, retention: Retention())
                    }))
            for node in cluster.nodes {
                let page = try await node.engine.history(channel)
                #expect(page.entries.map(\.publication) == [publication, nobody, Publication(data: [])])
                #expect(page.offsets == positions.map(\.offset))
                #expect(page.top == positions.last)
            }
        }

        @Test("Sinks are told whom a publication is not for; the log is not", arguments: EngineFixtures.all)
        func excluded(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[1])
            var publication = Publication("x")
            publication.excluded = ConnectionID()
            _ = try await cluster.nodes[0].engine.publish(
                PublishRequest(
                    namespace: channel.namespace,
                    entries: [
                        PublishRequest.Entry(
                            channel: channel.name, publication: publication, retention: Retention())
                    ]))
            await cluster.settle()
            #expect(sink.received(from: cluster.nodes[1].engine).map(\.publication) == [publication])
            #expect(try await cluster.nodes[1].engine.history(channel).entries.map(\.publication) == [Publication("x")])
            #expect(try await cluster.nodes[1].engine.newest(channel)?.publication == Publication("x"))
        }

        @Test("Sinks of all nodes are told everything above the top they were opened at", arguments: EngineFixtures.all)
        func told(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 3)
            let channel = try ChannelAddress("news")
            try await cluster.nodes[0].engine.say("before", to: channel)
            var sinks: [SinkRecorder] = []
            for node in cluster.nodes {
                let (sink, top) = try await cluster.open(channel, on: node)
                #expect(top.offset == 1)
                sinks.append(sink)
            }
            var positions: [Position] = []
            for number in 0..<30 {
                positions.append(try await cluster.nodes[number % 3].engine.say("\(number)", to: channel))
            }
            await cluster.settle()
            for (sink, node) in zip(sinks, cluster.nodes) {
                let received = sink.received(from: node.engine)
                #expect(received.map(\.text) == (0..<30).map { "\($0)" })
                #expect(received.map(\.position) == positions)
                #expect(sink.interruptions == 0 || !node.engine.isLossless)
            }
        }

        @Test("Each sink is told of its own channel, and nothing after it was closed", arguments: EngineFixtures.all)
        func closed(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let engine = cluster.nodes[1].engine
            let (one, two) = (try ChannelAddress("one"), try ChannelAddress("two"))
            let first = try await cluster.open(one, on: cluster.nodes[1]).sink
            let second = try await cluster.open(one, on: cluster.nodes[1]).sink
            let other = try await cluster.open(two, on: cluster.nodes[1]).sink
            try await cluster.nodes[0].engine.say("a", to: one)
            try await cluster.nodes[0].engine.say("b", to: two)
            await cluster.settle()
            engine.close(one, sink: first)
            engine.close(two, sink: SinkRecorder())
            await cluster.settle()
            try await cluster.nodes[0].engine.say("c", to: one)
            cluster.nodes[0].engine.relay(Publication("d"), to: one)
            try await cluster.nodes[0].engine.say("e", to: two)
            await cluster.settle()
            #expect(first.received(from: engine).map(\.text) == ["a"])
            #expect(first.relayed == [])
            #expect(second.received(from: engine).map(\.text) == ["a", "c"])
            #expect(other.received(from: engine).map(\.text) == ["b", "e"])
        }

        @Test("A sink that is opened again hears again, from the new top on", arguments: EngineFixtures.all)
        func reopened(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            engine.close(channel, sink: sink)
            try await engine.say("unheard", to: channel)
            let top = try await engine.open(channel, sink: sink)
            #expect(top.offset == 1)
            try await engine.say("heard", to: channel)
            await cluster.settle()
            #expect(sink.received(from: engine).map(\.text) == ["heard"])
        }

        @Test("What is relayed reaches all sinks, has no position and is not kept", arguments: EngineFixtures.all)
        func relayed(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let first = try await cluster.open(channel, on: cluster.nodes[0]).sink
            let second = try await cluster.open(channel, on: cluster.nodes[1]).sink
            var publication = Publication(event: Array("client-x".utf8), data: [1, 2], sender: [3])
            publication.excluded = ConnectionID()
            cluster.nodes[0].engine.relay(publication, to: channel)
            await cluster.settle()
            #expect(first.relayed == [publication])
            #expect(second.relayed == [publication])
            #expect(first.received == [])
            let page = try await cluster.nodes[0].engine.history(channel)
            #expect(page.entries.isEmpty)
            #expect(page.top.offset == 0)
            // Nobody hears it, nothing happens.
            cluster.nodes[0].engine.relay(publication, to: try ChannelAddress("nobody"))
        }

        @Test("Channels are apart that differ in a byte of their name or namespace", arguments: EngineFixtures.all)
        func apart(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            // The same letter in two spellings; names and namespaces that give the same bytes when put together.
            let channels = try [
                ChannelAddress("\u{e9}"), ChannelAddress("e\u{301}"), ChannelAddress("A"), ChannelAddress("a"),
                ChannelAddress("b:c", in: "a"), ChannelAddress("c", in: "a:b"), ChannelAddress("\u{0}c", in: "a"),
                ChannelAddress("c", in: "a\u{0}"), ChannelAddress("c", in: ""),
            ]
            for (number, channel) in channels.enumerated() {
                #expect(try await engine.say("\(number)", to: channel).offset == 1)
            }
            for (number, channel) in channels.enumerated() {
                #expect(try await engine.history(channel).texts == ["\(number)"])
            }
        }
    }
}
