import Testing

@testable import Channels

@Suite("What a memory engine remembers of channels that nobody uses", .timeLimit(.minutes(5)))
struct IdleChannelsTests {
    @Test("Positions are remembered for their time, and then the log begins anew in another epoch")
    func time() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(metaMilliseconds: 60_000)).makeMemoryCluster()
        let engine = cluster.engines[0]
        let channel = try ChannelAddress("news")
        let first = try await engine.say("1", to: channel, keeping: .none)
        for _ in 0..<3 {
            cluster.advance(by: 59_999)
            engine.tick()
            #expect(cluster.store.channelCount == 1)
            // Each use counts, also that of a reader.
            #expect(try await engine.history(channel).top == first)
        }
        cluster.advance(by: 60_000)
        engine.tick()
        #expect(cluster.store.channelCount == 0)
        let page = try await engine.history(channel)
        #expect(page.top.epoch != first.epoch)
        #expect(page.top.offset == 0)
        #expect(try await engine.say("2", to: channel).offset == 1)
    }

    @Test("A channel is not forgotten while it keeps something, is open or has somebody in it")
    func used() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(metaMilliseconds: 1_000, leaseMilliseconds: .max))
            .makeMemoryCluster()
        let engine = cluster.engines[0]
        let names = ["kept", "open", "entered"]
        let channels = try names.map { try ChannelAddress($0) }
        let connection = ConnectionID()
        try await engine.say("x", to: channels[0], keeping: Retention(milliseconds: 100_000))
        let (sink, _) = try await cluster.open(channels[1], on: cluster.nodes[0])
        _ = try await engine.enter(channels[2], Identity("ann"), through: connection)
        cluster.advance(by: 90_000)
        engine.tick()
        #expect(cluster.store.channelCount == 3)
        engine.close(channels[1], sink: sink)
        engine.leave(channels[2], connection: connection)
        cluster.advance(by: 999)
        engine.tick()
        #expect(cluster.store.channelCount == 3)
        cluster.advance(by: 1)
        engine.tick()
        #expect(cluster.store.channelCount == 1)
        // What is kept is gone after 100 s; the tick that sees it does not count as use.
        cluster.advance(by: 9_000)
        engine.tick()
        #expect(cluster.store.channelCount == 0)
    }

    @Test("Above their number those go first that were used least recently")
    func number() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(maximumIdleChannels: 3)).makeMemoryCluster()
        let engine = cluster.engines[0]
        let channels = try (0..<6).map { try ChannelAddress("\($0)") }
        let (sink, _) = try await cluster.open(channels[5], on: cluster.nodes[0])
        var positions: [Position] = []
        for channel in channels[..<3] {
            cluster.advance(by: 1)
            positions.append(try await engine.say("x", to: channel, keeping: .none))
        }
        cluster.advance(by: 1)
        // The first is used again, so the second is the oldest.
        #expect(try await engine.history(channels[0]).top == positions[0])
        cluster.advance(by: 1)
        try await engine.say("x", to: channels[3], keeping: .none)
        #expect(cluster.store.channelCount == 4)
        #expect(cluster.store.directory[channels[1]] == nil)
        #expect(try await engine.history(channels[0]).top == positions[0])
        #expect(try await engine.history(channels[2]).top == positions[2])
        cluster.advance(by: 1)
        #expect(try await engine.history(channels[1]).top.epoch != positions[1].epoch)
        withExtendedLifetime(sink) {}
    }

    @Test("However many names come, so many channels are remembered and not more; no epoch comes twice")
    func names() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(maximumIdleChannels: 100)).makeMemoryCluster()
        let engine = cluster.engines[0]
        var epochs: Set<Epoch> = []
        var (highest, keptHighest) = (0, 0)
        for round in 0..<2 {
            for number in 0..<5_000 {
                let channel = try ChannelAddress("\(number)")
                let keeps = number % 3 == 0
                epochs.insert(
                    try await engine.say("x", to: channel, keeping: keeps ? Retention(milliseconds: 20) : .none).epoch)
                cluster.advance(by: 1)
                if number % 10 == 0 { engine.tick() }
                highest = max(highest, cluster.store.channelCount)
                keptHighest = max(keptHighest, cluster.store.ledger.expiring.count)
            }
            #expect(epochs.count == 5_000 * (round + 1))
        }
        #expect(highest <= 100 + keptHighest)
        #expect(keptHighest < 15)
    }

    @Test("Publishers and readers on several threads never lose an acknowledged publication to forgetting")
    func threads() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(maximumIdleChannels: 1)).makeMemoryCluster()
        let channels = try (0..<4).map { try ChannelAddress("\($0)") }
        let answers = Collector<[Position]>()
        await onThreads(4) { thread in
            var generator = SeededGenerator(seed: UInt64(thread))
            for _ in 0..<3_000 {
                let channel = channels[Int.random(in: 0..<4, using: &generator)]
                let entry = PublishRequest.Entry(
                    channel: channel.name, publication: Publication("x"), retention: .none)
                cluster.engines[0].publish(PublishRequest(namespace: channel.namespace, entries: [entry])) { result in
                    answers.add((try? result.get()) ?? [])
                }
                cluster.clock.advance(by: 1)
            }
        }
        let positions = await answers.values(4 * 3_000).flatMap { $0 }
        #expect(positions.count == 4 * 3_000)
        // No position was given twice, and in each epoch they are dense.
        #expect(Set(positions).count == positions.count)
        for (_, ofEpoch) in Dictionary(grouping: positions, by: \.epoch) {
            #expect(ofEpoch.map(\.offset).sorted() == Array(1...UInt64(ofEpoch.count)))
        }
        #expect(cluster.store.channelCount <= 1)
    }

    @Test("Reports that came too late hold neither a sink nor a channel")
    func lateReports() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(metaMilliseconds: 1_000)).makeMemoryCluster()
        let engine = cluster.engines[0]
        let channel = try ChannelAddress("news")
        weak var last: SinkRecorder?
        for _ in 0..<100 {
            let sink = SinkRecorder()
            last = sink
            _ = try await engine.open(channel, sink: sink)
            engine.close(channel, sink: sink)
            engine.report(subscriptions: 1, version: 1, to: channel, sink: sink)
        }
        #expect(last == nil)
        cluster.advance(by: 1_000)
        engine.tick()
        #expect(cluster.store.channelCount == 0)
    }
}
