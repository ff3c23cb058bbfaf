import Testing

@testable import Channels

@Suite("What a memory engine keeps of all channels together")
struct HistoryBudgetTests {
    private static let size = Publication("0").keptBytes

    private func cluster(budget: Int) -> MemoryCluster {
        MemoryFixture(options: MemoryStore.Options(historyBudget: budget)).makeMemoryCluster()
    }

    @Test("Above the budget the oldest of all channels go first, and positions stay true", arguments: 1...3)
    func age(seed: Int) async throws {
        struct Kept: Equatable {
            let channel: Int
            let offset: UInt64
        }
        var generator = SeededGenerator(seed: UInt64(seed))
        let cluster = cluster(budget: 20 * Self.size)
        let engine = cluster.engines[0]
        let channels = try (0..<6).map { try ChannelAddress("\($0)") }
        var (model, tops) = ([Kept](), [UInt64](repeating: 0, count: 6))
        for _ in 0..<1_000 {
            let number = Int.random(in: 0..<6, using: &generator)
            cluster.advance(by: 1)
            // Some channels have few, so that what is dropped by their own limits is in the middle by age.
            let retention = Retention(publications: number < 2 ? 2 : 100, newestMilliseconds: number == 5 ? 1 << 40 : 0)
            try await engine.say("x", to: channels[number], keeping: retention)
            tops[number] += 1
            model.append(Kept(channel: number, offset: tops[number]))
            if number < 2, let first = model.firstIndex(where: { $0.channel == number }),
                model.count(where: { $0.channel == number }) > 2
            {
                model.remove(at: first)
            }
            if model.count > 20 { model.removeFirst() }
            #expect(cluster.store.keptBytes == model.count * Self.size)
        }
        for (number, channel) in channels.enumerated() {
            let page = try await engine.history(channel)
            #expect(page.offsets == model.filter { $0.channel == number }.map(\.offset))
            #expect(page.top.offset == tops[number])
            #expect(page.oldest == page.offsets.first ?? tops[number] + 1)
        }
    }

    @Test("A request that the budget could not hold is refused whole, whatever else it publishes")
    func tooLarge() async throws {
        let cluster = cluster(budget: 3 * Self.size)
        let engine = cluster.engines[0]
        let channel = try ChannelAddress("news")
        let entry = PublishRequest.Entry(
            channel: channel.name, publication: Publication("x"), retention: Retention())
        try await engine.say("x", to: channel)
        let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
        await #expect(throws: EngineError.overloaded) {
            try await engine.publish(
                PublishRequest(namespace: channel.namespace, entries: Array(repeating: entry, count: 4)))
        }
        #expect(sink.received == [])
        #expect(cluster.store.keptBytes == Self.size)
        #expect(try await engine.history(channel).offsets == [1])
        // What is not kept does not count.
        var unkept = entry
        unkept.retention = .none
        let positions = try await engine.publish(
            PublishRequest(namespace: channel.namespace, entries: Array(repeating: unkept, count: 50)))
        #expect(positions.last?.offset == 51)
        #expect(cluster.store.keptBytes == 0)
        #expect(
            try await engine.publish(
                PublishRequest(namespace: channel.namespace, entries: Array(repeating: entry, count: 3))
            ).count == 3)
        #expect(cluster.store.keptBytes == 3 * Self.size)
    }

    @Test("Bytes are set aside within a limit, and given back when they do not fit")
    func reserve() {
        let ledger = Ledger()
        #expect(ledger.reserve(60, limit: 100))
        #expect(!ledger.reserve(41, limit: 100))
        #expect(ledger.keptBytes == 60)
        #expect(ledger.reserve(40, limit: 100))
        #expect(ledger.reserve(0, limit: 100))
        #expect(!ledger.reserve(1, limit: 100))
        ledger.release(100)
        #expect(ledger.keptBytes == 0)
    }

    @Test("On several threads what is kept never counts twice the budget, and is within it in the end")
    func threads() async throws {
        let budget = 50 * Self.size
        let cluster = cluster(budget: budget)
        let store = cluster.store
        let channels = try (0..<8).map { try ChannelAddress("\($0)") }
        let excesses = Collector<Int>()
        await onThreads(4) { thread in
            var generator = SeededGenerator(seed: UInt64(thread))
            for _ in 0..<2_000 {
                let channel = channels[Int.random(in: 0..<8, using: &generator)]
                let entry = PublishRequest.Entry(
                    channel: channel.name, publication: Publication("x"),
                    retention: Retention(publications: Int.random(in: 0..<40, using: &generator)))
                let request = PublishRequest(
                    namespace: channel.namespace,
                    entries: Array(repeating: entry, count: Int.random(in: 1..<20, using: &generator)))
                cluster.engines[0].publish(request) { _ in }
                if store.keptBytes > 2 * budget { excesses.add(store.keptBytes) }
                if Int.random(in: 0..<100, using: &generator) == 0 { cluster.engines[0].tick() }
            }
            excesses.add(0)
        }
        #expect(await excesses.values(4) == [0, 0, 0, 0])
        var kept = 0
        for channel in channels {
            let page = try await cluster.engines[0].history(channel)
            kept += page.entries.reduce(0) { $0 + $1.publication.keptBytes }
            #expect(page.offsets == Array(page.oldest..<page.top.offset + 1))
        }
        #expect(store.keptBytes == kept)
        #expect(kept <= budget)
    }

    @Test("A tick drops what has expired of channels that nobody asks for")
    func expiry() async throws {
        let cluster = cluster(budget: 1 << 20)
        let engine = cluster.engines[0]
        for number in 0..<50 {
            let channel = try ChannelAddress("\(number)")
            try await engine.say("1", to: channel, keeping: Retention(milliseconds: 1_000 * UInt64(number + 1)))
            try await engine.say("2", to: channel, keeping: Retention(milliseconds: 1_000 * UInt64(number + 1)))
        }
        for second in 1...50 {
            cluster.advance(by: 999)
            engine.tick()
            #expect(cluster.store.keptBytes == 2 * (51 - second) * Self.size)
            cluster.advance(by: 1)
            engine.tick()
            #expect(cluster.store.keptBytes == 2 * (50 - second) * Self.size)
        }
        #expect(cluster.store.ledger.aging.count == 0)
        #expect(cluster.store.ledger.expiring.count == 0)
    }

    @Test("A tick knows when retention became shorter: the newest outlives the others, until there is a newer one")
    func shorter() async throws {
        let cluster = cluster(budget: 1 << 20)
        let engine = cluster.engines[0]
        let channel = try ChannelAddress("news")
        let retention = Retention(milliseconds: 1_000, newestMilliseconds: 100_000)
        try await engine.say("1", to: channel, keeping: retention)
        try await engine.say("2", to: channel, keeping: retention)
        cluster.advance(by: 1_000)
        engine.tick()
        #expect(cluster.store.keptBytes == Self.size)
        cluster.advance(by: 98_999)
        engine.tick()
        #expect(cluster.store.keptBytes == Self.size)
        cluster.advance(by: 1)
        engine.tick()
        #expect(cluster.store.keptBytes == 0)
    }

    @Test("However often a channel fills and empties, it stands in each queue once")
    func queues() async throws {
        let cluster = cluster(budget: 1 << 20)
        let engine = cluster.engines[0]
        let channel = try ChannelAddress("news")
        for _ in 0..<100 {
            try await engine.say("1", to: channel, keeping: Retention(newestMilliseconds: 1 << 40))
            try await engine.say("2", to: channel, keeping: Retention(milliseconds: 10))
            #expect(cluster.store.ledger.aging.count == 1)
            #expect(cluster.store.ledger.expiring.count == 1)
            #expect(cluster.store.ledger.idle.count == 0)
            try await engine.say("3", to: channel, keeping: .none)
            #expect(cluster.store.ledger.aging.count == 0)
            #expect(cluster.store.ledger.expiring.count == 0)
            #expect(cluster.store.ledger.idle.count == 1)
        }
    }
}
