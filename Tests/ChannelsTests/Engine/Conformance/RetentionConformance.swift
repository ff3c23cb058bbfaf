import Channels
import Testing

extension EngineConformance {
    @Suite("Keeping publications", .timeLimit(.minutes(5)))
    struct Keeping {
        /// What is kept, its first offset, and the top; also through `newest`, which must not know better.
        private func expect(
            _ offsets: [UInt64], top: UInt64, in channel: ChannelAddress, _ engine: any Engine,
            _ comment: Comment? = nil,
            _ location: SourceLocation = #_sourceLocation
        ) async throws {
            let page = try await engine.history(channel)
            #expect(page.offsets == offsets, comment, sourceLocation: location)
            #expect(page.top.offset == top, comment, sourceLocation: location)
            #expect(page.oldest == offsets.first ?? top + 1, comment, sourceLocation: location)
            let newest = try await engine.newest(channel)
            #expect(newest?.offset == offsets.last, comment, sourceLocation: location)
        }

        @Test("So many publications are kept and not one more", arguments: EngineFixtures.all)
        func publications(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            for limit in [1, 2, 5] {
                let channel = try ChannelAddress("\(limit)")
                for number in 1...8 {
                    let position = try await engine.say(
                        "\(number)", to: channel, keeping: Retention(publications: limit))
                    #expect(position.offset == UInt64(number))
                    let first = UInt64(max(1, number - limit + 1))
                    try await expect(Array(first...UInt64(number)), top: UInt64(number), in: channel, engine)
                }
            }
        }

        @Test("Nothing is kept when nothing is to be kept; positions go on", arguments: EngineFixtures.all)
        func nothing(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let nothings = [
                Retention.none, Retention(milliseconds: 0), Retention(bytes: 0),
                Retention(publications: .min, bytes: .min),
            ]
            for (number, retention) in nothings.enumerated() {
                let channel = try ChannelAddress("\(number)")
                let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
                try await engine.say("a", to: channel, keeping: retention)
                try await engine.say("b", to: channel, keeping: retention)
                try await expect([], top: 2, in: channel, engine)
                await cluster.settle()
                #expect(sink.received(from: engine).map(\.text) == ["a", "b"])
            }
        }

        @Test(
            "A publication is kept until its time is over, and not a millisecond longer", arguments: EngineFixtures.all)
        func time(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            let retention = Retention(milliseconds: 10_000)
            try await engine.say("1", to: channel, keeping: retention)
            await cluster.advance(by: 4_000)
            try await engine.say("2", to: channel, keeping: retention)
            await cluster.advance(by: 5_999)
            try await expect([1, 2], top: 2, in: channel, engine)
            await cluster.advance(by: 1)
            try await expect([2], top: 2, in: channel, engine)
            await cluster.advance(by: 3_999)
            try await expect([2], top: 2, in: channel, engine)
            await cluster.advance(by: 1)
            try await expect([], top: 2, in: channel, engine)
            try await engine.say("3", to: channel, keeping: retention)
            try await expect([3], top: 3, in: channel, engine)
        }

        @Test("So many bytes are kept and not one more", arguments: EngineFixtures.all)
        func bytes(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let size = Publication("x").keptBytes
            for (limit, kept) in [(size * 3, 3), (size * 3 - 1, 2), (size, 1), (size - 1, 0)] {
                let channel = try ChannelAddress("\(limit)")
                for _ in 0..<6 { try await engine.say("x", to: channel, keeping: Retention(bytes: limit)) }
                try await expect(Array(UInt64(7 - kept)..<7), top: 6, in: channel, engine, "\(limit) bytes")
            }
            // A large one takes the place of several small ones, and one that is too large of all.
            let channel = try ChannelAddress("sizes")
            let retention = Retention(bytes: size * 4)
            for _ in 0..<4 { try await engine.say("x", to: channel, keeping: retention) }
            try await engine.say(String(repeating: "x", count: size + 2), to: channel, keeping: retention)
            try await expect([4, 5], top: 5, in: channel, engine)
            try await engine.say(String(repeating: "x", count: size * 4), to: channel, keeping: retention)
            try await expect([], top: 6, in: channel, engine)
        }

        @Test("The event, the sender and what surrounds them count as bytes", arguments: EngineFixtures.all)
        func countedBytes(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let publication = Publication(event: [1, 2, 3], data: [4, 5], sender: [6, 7, 8, 9])
            #expect(publication.keptBytes == 73)
            for (limit, kept) in [(146, 2), (145, 1)] {
                let channel = try ChannelAddress("\(limit)")
                let entry = PublishRequest.Entry(
                    channel: channel.name, publication: publication, retention: Retention(bytes: limit))
                _ = try await engine.publish(
                    PublishRequest(namespace: channel.namespace, entries: [entry, entry, entry]))
                #expect(try await engine.history(channel).entries.count == kept)
            }
        }

        @Test(
            "The newest outlives the other limits as long as it may, and only the newest", arguments: EngineFixtures.all
        )
        func newest(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let limits = [
                Retention(publications: 0, newestMilliseconds: 1_000),
                Retention(milliseconds: 0, newestMilliseconds: 1_000),
                Retention(bytes: 0, newestMilliseconds: 1_000),
            ]
            for (number, retention) in limits.enumerated() {
                let channel = try ChannelAddress("\(number)")
                try await engine.say("1", to: channel, keeping: retention)
                try await engine.say("2", to: channel, keeping: retention)
                try await expect([2], top: 2, in: channel, engine)
                await cluster.advance(by: 999)
                try await expect([2], top: 2, in: channel, engine)
                await cluster.advance(by: 1)
                try await expect([], top: 2, in: channel, engine)
            }
        }

        @Test("What expires before the newest does so in its own time", arguments: EngineFixtures.all)
        func newestAndOthers(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            let retention = Retention(milliseconds: 100, newestMilliseconds: 1_000)
            try await engine.say("1", to: channel, keeping: retention)
            try await engine.say("2", to: channel, keeping: retention)
            await cluster.advance(by: 99)
            try await expect([1, 2], top: 2, in: channel, engine)
            await cluster.advance(by: 1)
            try await expect([2], top: 2, in: channel, engine)
            await cluster.advance(by: 100)
            try await engine.say("3", to: channel, keeping: retention)
            try await expect([3], top: 3, in: channel, engine)
            await cluster.advance(by: 999)
            try await expect([3], top: 3, in: channel, engine)
            await cluster.advance(by: 1)
            try await expect([], top: 3, in: channel, engine)
            // A short life of the newest takes nothing from what the other limits give it.
            let other = try ChannelAddress("other")
            try await engine.say("1", to: other, keeping: Retention(milliseconds: 500, newestMilliseconds: 100))
            await cluster.advance(by: 499)
            try await expect([1], top: 1, in: other, engine)
        }

        @Test("What a publication says of keeping holds from then on", arguments: EngineFixtures.all)
        func changed(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            for number in 1...10 { try await engine.say("\(number)", to: channel) }
            try await engine.say("11", to: channel, keeping: Retention(publications: 3))
            try await expect([9, 10, 11], top: 11, in: channel, engine)
            try await engine.say("12", to: channel, keeping: Retention(publications: 5))
            try await expect([9, 10, 11, 12], top: 12, in: channel, engine)
            await cluster.advance(by: 1_000)
            try await engine.say("13", to: channel, keeping: Retention(milliseconds: 500))
            try await expect([13], top: 13, in: channel, engine)
            try await engine.say("14", to: channel, keeping: .none)
            try await expect([], top: 14, in: channel, engine)
            try await engine.say("15", to: channel)
            try await expect([15], top: 15, in: channel, engine)
        }

        @Test("Retention that never ends neither traps nor drops", arguments: EngineFixtures.all)
        func endless(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            let retention = Retention(
                publications: .max, milliseconds: .max, bytes: .max, newestMilliseconds: .max)
            for number in 1...3 { try await engine.say("\(number)", to: channel, keeping: retention) }
            await cluster.advance(by: 1 << 40)
            await cluster.tick(cluster.nodes)
            try await expect([1, 2, 3], top: 3, in: channel, engine)
        }

        @Test(
            "Ticks drop nothing before its time, and positions outlive what was dropped", arguments: EngineFixtures.all)
        func ticks(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("news")
            let first = try await engine.say("1", to: channel, keeping: Retention(milliseconds: 5_000))
            for second in 1...10 {
                await cluster.advance(by: 1_000)
                await cluster.tick(cluster.nodes)
                try await expect(second < 5 ? [1] : [], top: 1, in: channel, engine)
            }
            // Much later, but with the positions still there.
            await cluster.advance(by: 3_600_000)
            await cluster.tick(cluster.nodes)
            let second = try await engine.say("2", to: channel)
            #expect(second == Position(epoch: first.epoch, offset: 2))
        }
    }
}
