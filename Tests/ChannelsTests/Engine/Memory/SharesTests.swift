import Testing

@testable import Channels

@Suite("What one namespace cannot take from another", .timeLimit(.minutes(5)))
struct SharesTests {
    private func cluster(
        _ namespaces: [String], onLimit: @escaping @Sendable (StoreLimit, [UInt8]) -> Void = { _, _ in },
        _ change: (inout MemoryStore.Options) -> Void
    ) -> MemoryCluster {
        var options = MemoryStore.Options()
        options.namespaces = namespaces.map { Array($0.utf8) }
        change(&options)
        return MemoryCluster(nodes: 1, options, onLimit: onLimit)
    }

    private func address(_ namespace: String, _ name: String) throws -> ChannelAddress {
        ChannelAddress(
            namespace: Array(namespace.utf8), name: try #require(ChannelName(Array(name.utf8))))
    }

    private func keyed(_ namespace: String, _ key: String) throws -> PublishRequest {
        PublishRequest(
            namespace: Array(namespace.utf8),
            entries: [
                PublishRequest.Entry(
                    channel: try address(namespace, "c").name, publication: Publication("x"), retention: .none)
            ],
            idempotency: PublishRequest.Idempotency(key: Array(key.utf8), fingerprint: [1]))
    }

    @Test("Rooms full of the largest messages leave the histories of an app alone")
    func rooms() async throws {
        let cluster = cluster(["room", "app"]) { $0.historyBudget = 1 << 20 }
        let engine = cluster.engines[0]
        let news = try address("app", "news")
        for number in 1...100 { try await engine.say("\(number)", to: news) }
        cluster.advance(by: 1_000)
        for room in 0..<33 {
            for _ in 0..<8 {
                try await engine.say(String(repeating: "x", count: 32 << 10), to: try address("room", "r\(room)"))
            }
        }
        #expect(cluster.store.keptBytes <= 1 << 20)
        #expect(cluster.kept(news) == Array(1...100))
        // The rooms have what the app does not use.
        #expect(cluster.store.keptBytes(of: Array("room".utf8)) > 900 << 10)
    }

    @Test("What was borrowed is given back as soon as its owner needs it, oldest first")
    func borrowed() async throws {
        let cluster = cluster(["a", "b", "c"]) { $0.historyBudget = 3 << 20 }
        let engine = cluster.engines[0]
        let text = String(repeating: "x", count: 10_000)
        let everything = Retention(publications: 1_000_000, bytes: 1 << 30)
        for _ in 0..<500 { try await engine.say(text, to: try address("a", "1"), keeping: everything) }
        #expect(cluster.store.keptBytes(of: Array("a".utf8)) > 29 << 20 / 10)
        for number in 0..<100 {
            try await engine.say(text, to: try address("b", "1"), keeping: everything)
            #expect(cluster.kept(try address("b", "1")).count == number + 1)
        }
        for number in 0..<100 {
            try await engine.say(text, to: try address("c", "1"), keeping: everything)
            #expect(cluster.kept(try address("c", "1")).count == number + 1)
        }
        #expect(cluster.kept(try address("b", "1")).count == 100)
        let left = cluster.kept(try address("a", "1"))
        #expect(left == Array(UInt64(501 - left.count)...500))
        #expect(left.count > 90)
    }

    @Test("However namespaces publish, none loses anything while it is within its share", arguments: 1...3)
    func random(seed: Int) async throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let names = ["a", "b", "c", "d"]
        let budget = 200_000
        let cluster = cluster(names) { $0.historyBudget = budget }
        let engine = cluster.engines[0]
        var before = names.map { _ in 0 }
        for _ in 0..<3_000 {
            cluster.advance(by: UInt64.random(in: 0..<30, using: &generator))
            // Some publish much more than others.
            let number = min(Int.random(in: 0..<4, using: &generator), Int.random(in: 0..<4, using: &generator))
            let channel = try address(names[number], "\(Int.random(in: 0..<40, using: &generator))")
            let text = String(repeating: "x", count: Int.random(in: 0..<4_000, using: &generator))
            let keeps = Int.random(in: 0..<3, using: &generator) > 0
            try await engine.say(text, to: channel, keeping: keeps ? Retention(milliseconds: .max) : .none)
            #expect(cluster.store.keptBytes <= budget)
            let after = names.map { cluster.store.keptBytes(of: Array($0.utf8)) }
            for other in names.indices where other != number && after[other] < before[other] {
                #expect(before[other] > budget / names.count)
            }
            before = after
        }
        #expect(cluster.store.keptBytes == before.reduce(0, +))
        #expect(cluster.store.keptBytes == cluster.recount())
    }

    @Test("Any number of names that are merely touched costs no record, and no channel its epoch")
    func names() async throws {
        let cluster = cluster(["app"]) { $0.maximumIdleChannels = 1_000 }
        let engine = cluster.engines[0]
        let published = try address("app", "idle")
        let position = try await engine.say("x", to: published, keeping: .none)
        let empty = try address("app", "empty")
        let start = try await engine.history(empty).top
        cluster.advance(by: 1_000)
        for number in 0..<20_000 {
            let channel = try address("app", "random\(number)")
            if number % 2 == 0 {
                let sink = SinkRecorder()
                _ = try await engine.open(channel, sink: sink)
                engine.close(channel, sink: sink)
            } else {
                _ = try await engine.history(channel)
                _ = try await engine.newest(channel)
                _ = try await engine.members(channel)
            }
            if number % 1_000 == 0 {
                cluster.advance(by: 1_000)
                engine.tick()
            }
            #expect(cluster.store.channelCount <= 1_000)
        }
        cluster.advance(by: 1_000)
        engine.tick()
        #expect(cluster.store.channelCount == 1)
        #expect(cluster.store.directory.count == 0)
        #expect(try await engine.history(published).top == position)
        #expect(try await engine.history(empty).top == start)
        #expect(try await engine.say("y", to: empty) == Position(epoch: start.epoch, offset: 1))
        #expect(try await engine.say("y", to: published) == Position(epoch: position.epoch, offset: 2))
    }

    @Test("Names without end in one app cost that app its oldest positions, and no other app one")
    func positions() async throws {
        let cluster = cluster(["a", "b"]) { $0.maximumIdleChannels = 1_000 }
        let engine = cluster.engines[0]
        var idle: [Position] = []
        for number in 0..<200 {
            idle.append(try await engine.say("x", to: try address("a", "\(number)"), keeping: .none))
        }
        for number in 0..<5_000 {
            cluster.advance(by: 1)
            try await engine.say("x", to: try address("b", "\(number)"), keeping: .none)
        }
        cluster.advance(by: 1_000)
        engine.tick()
        #expect(cluster.store.channelCount <= 1_000)
        for number in 0..<200 {
            #expect(try await engine.history(try address("a", "\(number)")).top == idle[number])
        }
    }

    @Test("Positions take a quarter of the budget at most")
    func positionBytes() async throws {
        let cluster = cluster(["a"]) { $0.historyBudget = 400 * PositionMemory.bytesEach }
        let engine = cluster.engines[0]
        let kept = try address("a", "kept")
        try await engine.say("x", to: kept, keeping: Retention(milliseconds: .max))
        for number in 0..<3_000 {
            cluster.advance(by: 1)
            try await engine.say("x", to: try address("a", "\(number)"), keeping: .none)
        }
        cluster.advance(by: 1_000)
        engine.tick()
        #expect(cluster.store.ledger.positionCount == 100)
        #expect(cluster.kept(kept) == [1])
    }

    @Test("Each namespace has a part of the idempotency keys that no other can use up")
    func keys() async throws {
        let cluster = cluster(["a", "b"]) { $0.maximumKeys = 40 }
        let engine = cluster.engines[0]
        // Its quarter and the half that is for all.
        for number in 0..<30 { _ = try await engine.publish(keyed("a", "\(number)")) }
        await #expect(throws: EngineError.overloaded) { try await engine.publish(keyed("a", "more")) }
        for number in 0..<10 { _ = try await engine.publish(keyed("b", "\(number)")) }
        await #expect(throws: EngineError.overloaded) { try await engine.publish(keyed("b", "more")) }
        // After ten minutes what was lent is given back, and what is everybody's own is not touched.
        cluster.advance(by: 600_000)
        for number in 10..<40 { _ = try await engine.publish(keyed("b", "\(number)")) }
        cluster.advance(by: 599_999)
        await #expect(throws: EngineError.overloaded) { try await engine.publish(keyed("b", "more")) }
        let top = try await engine.history(try address("a", "c")).top.offset
        for number in 20..<30 { _ = try await engine.publish(keyed("a", "\(number)")) }
        #expect(try await engine.history(try address("a", "c")).top.offset == top)
    }

    @Test("A limit that is met is reported with the namespace that met it, once a second")
    func reports() async throws {
        struct Report: Hashable, Sendable {
            let limit: StoreLimit
            let namespace: String
        }
        let reports = Collector<Report>()
        let cluster = cluster(
            ["a", "b"], onLimit: { reports.add(Report(limit: $0, namespace: String(decoding: $1, as: UTF8.self))) }
        ) {
            $0.historyBudget = 50_000
            $0.maximumIdleChannels = 100
            $0.maximumKeys = 4
        }
        let engine = cluster.engines[0]
        for second in 0..<2 {
            for number in 0..<200 {
                try await engine.say(String(repeating: "x", count: 1_000), to: try address("a", "kept"))
                try await engine.say("x", to: try address("b", "\(number)"), keeping: .none)
                _ = try? await engine.publish(keyed("b", "\(number)"))
            }
            if second == 0 { cluster.advance(by: 1_000) }
        }
        let expected = [
            Report(limit: .history, namespace: "a"), Report(limit: .positions, namespace: "b"),
            Report(limit: .keys, namespace: "b"),
        ]
        let all = await reports.values(6)
        for report in expected { #expect(all.count { $0 == report } == 2) }
    }
}
