import Synchronization
import Testing

@testable import Channels

@Suite("What a memory engine keeps of all channels together", .timeLimit(.minutes(5)))
struct HistoryBudgetTests {
    private func cluster(budget: Int) -> MemoryCluster {
        MemoryFixture(options: MemoryStore.Options(historyBudget: budget)).makeMemoryCluster()
    }

    @Test(
        "Above the budget the oldest of the channels that keep much go first, and positions stay true", arguments: 1...3
    )
    func age(seed: Int) async throws {
        struct Said: Hashable {
            let channel: Int
            let offset: UInt64
        }
        var generator = SeededGenerator(seed: UInt64(seed))
        let budget = 16_000
        let cluster = cluster(budget: budget)
        let engine = cluster.engines[0]
        let channels = try (0..<6).map { try ChannelAddress("\($0)") }
        var (said, tops) = ([Said](), [UInt64](repeating: 0, count: 6))
        for step in 0..<1_000 {
            let number = Int.random(in: 0..<6, using: &generator)
            cluster.advance(by: 1)
            // Some channels have few, so that what is dropped by their own limits is in the middle by age.
            let retention = Retention(publications: number < 2 ? 2 : 100, newestMilliseconds: number == 5 ? 1 << 40 : 0)
            let text = String(repeating: "x", count: Int.random(in: 0..<300, using: &generator))
            try await engine.say(text, to: channels[number], keeping: retention)
            tops[number] += 1
            said.append(Said(channel: number, offset: tops[number]))
            #expect(cluster.store.keptBytes <= budget)
            guard step % 50 == 49 else { continue }
            #expect(cluster.store.keptBytes == cluster.recount())
            // A publication of the largest size, its record and a longer ring find no room any more.
            if step > 200 { #expect(cluster.store.keptBytes > budget - 3_500) }
            let kept = Set(
                channels.indices.flatMap { number in
                    cluster.kept(channels[number]).map { Said(channel: number, offset: $0) }
                })
            // Those that keep little lose nothing; of all others the newest are kept, and no older ones.
            let little = said.filter { $0.channel < 2 && $0.offset + 2 > tops[$0.channel] }
            #expect(Set(little).isSubset(of: kept))
            let much = kept.filter { $0.channel >= 2 }
            #expect(Set(said.filter { $0.channel >= 2 }.suffix(much.count)) == much)
        }
        for (number, channel) in channels.enumerated() {
            let page = try await engine.history(channel)
            #expect(page.top.offset == tops[number])
            #expect(page.oldest == page.offsets.first ?? tops[number] + 1)
        }
    }

    @Test("A channel that keeps much does not push out what others of its namespace keep")
    func share() async throws {
        let cluster = cluster(budget: 60_000)
        let engine = cluster.engines[0]
        let quiet = try (0..<5).map { try ChannelAddress("quiet-\($0)") }
        for channel in quiet {
            for _ in 0..<3 { try await engine.say("something", to: channel, keeping: Retention(publications: 100)) }
        }
        let text = String(repeating: "x", count: 2_000)
        for number in 0..<200 {
            cluster.advance(by: 1)
            let channel = try ChannelAddress("loud-\(number % 3)")
            try await engine.say(text, to: channel, keeping: Retention(publications: 100))
        }
        for channel in quiet { #expect(cluster.kept(channel) == [1, 2, 3]) }
        #expect(cluster.store.keptBytes <= 60_000)
    }

    @Test("A request that the budget could not hold is refused whole, whatever else it publishes")
    func tooLarge() async throws {
        let cluster = cluster(budget: 6_000)
        let engine = cluster.engines[0]
        let channel = try ChannelAddress("news")
        func request(_ count: Int, _ retention: Retention) -> PublishRequest {
            PublishRequest(
                namespace: channel.namespace,
                entries: (0..<count).map { number in
                    PublishRequest.Entry(
                        channel: channel.name,
                        publication: Publication(data: Array(repeating: UInt8(number), count: 1_500)),
                        retention: retention)
                })
        }
        try await engine.say("x", to: channel)
        let before = cluster.store.keptBytes
        let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
        await #expect(throws: EngineError.overloaded) { try await engine.publish(request(4, Retention())) }
        #expect(sink.received == [])
        #expect(cluster.store.keptBytes == before)
        #expect(try await engine.history(channel).offsets == [1])
        // What is not kept does not count.
        let positions = try await engine.publish(request(50, .none))
        #expect(positions.last?.offset == 51)
        #expect(cluster.store.keptBytes == 0)
        #expect(try await engine.publish(request(3, Retention())).count == 3)
        #expect(cluster.kept(channel) == [52, 53, 54])
        #expect(cluster.store.keptBytes > 3 * 1_500)
    }

    @Test("A publication that the budget can hold is kept, whatever other threads publish at the same moment")
    func refusedForOthers() async throws {
        let cluster = cluster(budget: 20_000)
        let refusals = Collector<Int>()
        await onThreads(4) { thread in
            let name = try? ChannelAddress("\(thread)")
            let refused = Atomic(0)
            for _ in 0..<2_000 {
                guard let name else { continue }
                let publication = Publication(data: Array(repeating: 120, count: thread == 0 ? 10 : 18_000))
                let entry = PublishRequest.Entry(
                    channel: name.name, publication: publication, retention: Retention(publications: 1))
                cluster.engines[0].publish(PublishRequest(namespace: name.namespace, entries: [entry])) { result in
                    if case .failure = result { refused.wrappingAdd(1, ordering: .relaxed) }
                }
            }
            refusals.add(refused.load(ordering: .relaxed))
        }
        #expect(await refusals.values(4) == [0, 0, 0, 0])
        #expect(cluster.store.keptBytes <= 20_000)
    }

    @Test("On several threads what is kept is above the budget by a request of each at most, and within it in the end")
    func threads() async throws {
        let budget = 30_000
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
                if store.keptBytes > budget + 4 * 8_000 { excesses.add(store.keptBytes) }
                if Int.random(in: 0..<100, using: &generator) == 0 { cluster.engines[0].tick() }
            }
            excesses.add(0)
        }
        #expect(await excesses.values(4) == [0, 0, 0, 0])
        #expect(store.keptBytes <= budget)
        for channel in channels {
            let page = try await cluster.engines[0].history(channel)
            #expect(page.offsets == Array(page.oldest..<page.top.offset + 1))
            // Nothing is left that was counted and is not there.
            try await cluster.engines[0].say("", to: channel, keeping: .none)
        }
        #expect(store.keptBytes == 0)
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
            #expect(cluster.store.ledger.expiring.count == 51 - second)
            cluster.advance(by: 1)
            engine.tick()
            #expect(cluster.store.ledger.expiring.count == 50 - second)
            #expect(cluster.store.keptBytes == cluster.recount())
        }
        // The positions are left.
        #expect(cluster.store.keptBytes <= 50 * PositionMemory.bytesEach)
        #expect(cluster.store.ledger.account(of: try ChannelAddress("0").namespace).aging.count == 0)
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
        #expect(cluster.kept(channel) == [2])
        cluster.advance(by: 98_999)
        engine.tick()
        #expect(cluster.kept(channel) == [2])
        cluster.advance(by: 1)
        engine.tick()
        #expect(cluster.kept(channel) == [])
    }

    @Test("However often a channel fills and empties, it stands in each queue once")
    func queues() async throws {
        let cluster = cluster(budget: 1 << 20)
        let engine = cluster.engines[0]
        let channel = try ChannelAddress("news")
        for _ in 0..<100 {
            try await engine.say("1", to: channel, keeping: Retention(newestMilliseconds: 1 << 40))
            try await engine.say("2", to: channel, keeping: Retention(milliseconds: 10))
            #expect(cluster.store.ledger.account(of: channel.namespace).aging.count == 1)
            #expect(cluster.store.ledger.expiring.count == 1)
            #expect(cluster.store.ledger.idle.count == 0)
            try await engine.say("3", to: channel, keeping: .none)
            #expect(cluster.store.ledger.account(of: channel.namespace).aging.count == 0)
            #expect(cluster.store.ledger.expiring.count == 0)
            #expect(cluster.store.ledger.idle.count == 1)
        }
    }
}
