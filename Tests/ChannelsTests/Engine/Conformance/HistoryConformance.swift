import Channels
import Testing

extension EngineConformance {
    @Suite("Reading the log", .timeLimit(.minutes(5)))
    struct History {
        private func filled(_ fixture: any EngineFixture) async throws -> (any EngineCluster, ChannelAddress) {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            for number in 1...10 {
                try await cluster.nodes[0].engine.say("\(number)", to: channel, keeping: Retention(publications: 6))
            }
            return (cluster, channel)
        }

        @Test("A page begins with the first kept publication behind an offset", arguments: EngineFixtures.all)
        func since(fixture: any EngineFixture) async throws {
            let (cluster, channel) = try await filled(fixture)
            let engine = cluster.nodes[1].engine
            let all = try await engine.history(channel)
            #expect(all.offsets == [5, 6, 7, 8, 9, 10])
            #expect(all.texts == ["5", "6", "7", "8", "9", "10"])
            for (since, first) in [(0, 5), (1, 5), (4, 5), (5, 6), (8, 9), (9, 10)] as [(UInt64, UInt64)] {
                let page = try await engine.history(channel, since: since)
                #expect(page.offsets == Array(first...10), "since \(since)")
                #expect(page.top == all.top)
                #expect(page.oldest == 5)
            }
        }

        @Test("At the top and above it there is nothing to read", arguments: EngineFixtures.all)
        func beyond(fixture: any EngineFixture) async throws {
            let (cluster, channel) = try await filled(fixture)
            for since in [10, 11, 1_000, Position.maximumOffset, UInt64(Int64.max)] {
                let page = try await cluster.nodes[1].engine.history(channel, since: since)
                #expect(page.entries.isEmpty)
                #expect(page.top.offset == 10)
                #expect(page.oldest == 5)
            }
        }

        @Test("A limit takes the oldest behind an offset, and the newest without one", arguments: EngineFixtures.all)
        func limit(fixture: any EngineFixture) async throws {
            let (cluster, channel) = try await filled(fixture)
            let engine = cluster.nodes[1].engine
            #expect(try await engine.history(channel, since: 0, limit: 2).offsets == [5, 6])
            #expect(try await engine.history(channel, since: 6, limit: 3).offsets == [7, 8, 9])
            #expect(try await engine.history(channel, since: 8, limit: 3).offsets == [9, 10])
            #expect(try await engine.history(channel, since: nil, limit: 1).offsets == [10])
            #expect(try await engine.history(channel, since: nil, limit: 4).offsets == [7, 8, 9, 10])
            #expect(try await engine.history(channel, since: nil, limit: 6).offsets == [5, 6, 7, 8, 9, 10])
            #expect(try await engine.history(channel, since: nil, limit: 300).offsets == [5, 6, 7, 8, 9, 10])
        }

        @Test("A limit of 0 asks for the top only", arguments: EngineFixtures.all)
        func topOnly(fixture: any EngineFixture) async throws {
            let (cluster, channel) = try await filled(fixture)
            for since in [nil, 0, 7] as [UInt64?] {
                let page = try await cluster.nodes[1].engine.history(channel, since: since, limit: 0)
                #expect(page.entries.isEmpty)
                #expect(page.top.offset == 10)
                #expect(page.oldest == 5)
            }
        }

        @Test("A page has at most 300 publications", arguments: EngineFixtures.all)
        func pages(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let channel = try ChannelAddress("news")
            for number in 1...700 {
                try await engine.say("\(number)", to: channel, keeping: Retention(publications: 650))
            }
            var texts: [String] = []
            var last: UInt64 = 0
            while true {
                let page = try await engine.history(channel, since: last, limit: 300)
                #expect(page.oldest == 51)
                guard let end = page.offsets.last else { break }
                #expect(page.entries.count <= 300)
                texts += page.texts
                last = end
            }
            #expect(texts == (51...700).map { "\($0)" })
        }

        @Test(
            "A channel that nobody knows is empty, and goes on in the epoch that was told",
            arguments: EngineFixtures.all)
        func unknown(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("new")
            let page = try await cluster.nodes[0].engine.history(channel)
            #expect(page.entries.isEmpty)
            #expect(page.top.offset == 0)
            #expect(page.oldest == 1)
            #expect(try await cluster.nodes[1].engine.newest(channel)?.offset == nil)
            let top = try await cluster.open(channel, on: cluster.nodes[1]).top
            #expect(top == page.top)
            let position = try await cluster.nodes[1].engine.say("first", to: channel)
            #expect(position == Position(epoch: page.top.epoch, offset: 1))
        }

        @Test("The age of a publication is told with it", arguments: EngineFixtures.all)
        func age(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            try await cluster.nodes[0].engine.say("old", to: channel)
            await cluster.advance(by: 5_000)
            try await cluster.nodes[0].engine.say("young", to: channel)
            await cluster.advance(by: 1_000)
            #expect(try await cluster.nodes[1].engine.history(channel).entries.map(\.age) == [6_000, 1_000])
            #expect(try await cluster.nodes[1].engine.newest(channel)?.age == 1_000)
        }

        @Test("The newest publication is told while it is kept", arguments: EngineFixtures.all)
        func newest(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            try await engine.say("1", to: channel)
            try await engine.say("2", to: channel)
            let newest = try await engine.newest(channel)
            #expect(newest?.publication == Publication("2"))
            #expect(newest?.offset == 2)
            try await engine.say("3", to: channel, keeping: .none)
            #expect(try await engine.newest(channel)?.offset == nil)
        }
    }
}
