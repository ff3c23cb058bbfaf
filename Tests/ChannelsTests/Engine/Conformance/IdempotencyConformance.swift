import Channels
import Testing

extension EngineConformance {
    @Suite("Idempotency keys", .timeLimit(.minutes(5)))
    struct Idempotency {
        private static let day: UInt64 = 86_400_000

        private func request(
            _ text: String, key: String, to channels: [ChannelAddress]
        ) throws -> PublishRequest {
            let namespace = try #require(channels.first).namespace
            return PublishRequest(
                namespace: namespace,
                entries: channels.map { channel in
                    PublishRequest.Entry(
                        channel: channel.name, publication: Publication(text), retention: Retention())
                },
                idempotency: PublishRequest.Idempotency(key: Array(key.utf8), fingerprint: Array(text.utf8)))
        }

        @Test("A repetition gets the same positions on every node and publishes nothing", arguments: EngineFixtures.all)
        func repetition(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (one, two) = (try ChannelAddress("one"), try ChannelAddress("two"))
            let (sink, _) = try await cluster.open(one, on: cluster.nodes[0])
            let request = try request("x", key: "k", to: [one, two, one])
            let positions = try await cluster.nodes[0].engine.publish(request)
            for number in 0..<4 {
                #expect(try await cluster.nodes[number % 2].engine.publish(request) == positions)
                try await cluster.nodes[0].engine.say("between", to: two)
            }
            await cluster.settle()
            #expect(sink.received(from: cluster.nodes[0].engine).map(\.text) == ["x", "x"])
            #expect(try await cluster.nodes[1].engine.history(one).texts == ["x", "x"])
            #expect(try await cluster.nodes[1].engine.history(two).texts.filter { $0 == "x" } == ["x"])
        }

        @Test(
            "Another request with a key that was used is refused and publishes nothing", arguments: EngineFixtures.all)
        func otherRequest(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let first = try request("x", key: "k", to: [channel])
            let positions = try await cluster.nodes[0].engine.publish(first)
            for node in cluster.nodes {
                await #expect(throws: EngineError.keyWasUsed) {
                    try await node.engine.publish(request("y", key: "k", to: [channel]))
                }
                #expect(try await node.engine.publish(first) == positions)
            }
            #expect(try await cluster.nodes[0].engine.history(channel).texts == ["x"])
        }

        @Test("A key belongs to its namespace, and is compared byte by byte", arguments: EngineFixtures.all)
        func namespaces(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let (here, there) = (try ChannelAddress("news"), try ChannelAddress("news", in: "other"))
            for (number, key) in ["k", "K", "k ", "\u{e9}", "e\u{301}", "\u{0}"].enumerated() {
                #expect(
                    try await engine.publish(request("\(key)", key: key, to: [here])).map(\.offset) == [
                        UInt64(number + 1)
                    ])
            }
            #expect(try await engine.publish(request("other", key: "k", to: [there])).map(\.offset) == [1])
            let long = String(repeating: "k", count: 255)
            let first = try await engine.publish(request("long", key: long, to: [here]))
            #expect(try await engine.publish(request("long", key: long, to: [here])) == first)
        }

        @Test("Without a key nothing is taken for a repetition", arguments: EngineFixtures.all)
        func withoutKey(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let channel = try ChannelAddress("news")
            var request = try request("x", key: "k", to: [channel])
            request.idempotency = nil
            #expect(try await engine.publish(request).map(\.offset) == [1])
            #expect(try await engine.publish(request).map(\.offset) == [2])
        }

        @Test("A key is remembered for 24 hours, also when the publication is not", arguments: EngineFixtures.all)
        func time(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let request = try request("x", key: "k", to: [channel])
            let positions = try await cluster.nodes[0].engine.publish(request)
            for _ in 0..<8 {
                await cluster.advance(by: Self.day / 8 - 1)
                await cluster.tick(cluster.nodes)
                #expect(try await cluster.nodes[1].engine.publish(request) == positions)
            }
            #expect(try await cluster.nodes[0].engine.history(channel).entries.isEmpty)
            await cluster.advance(by: 8)
            #expect(try await cluster.nodes[1].engine.publish(request) != positions)
        }

        @Test(
            "1,000 keys, each 20 times at once on several nodes, some with another request: one publication each",
            arguments: EngineFixtures.all)
        func atOnce(fixture: any EngineFixture) async throws {
            struct Answer: Sendable {
                let key: Int
                let isOther: Bool
                let result: Result<[Position], EngineError>
            }
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let (keys, threads, each) = (1_000, 4, 5)
            let retention = Retention(publications: 2 * keys)
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[1])
            let answers = Collector<Answer>()
            await onThreads(threads) { thread in
                let engine = cluster.nodes[thread % 2].engine
                for key in 0..<keys {
                    for number in 0..<each {
                        // Of each key's twenty requests five are another one; which is first is left to the threads.
                        let isOther = (thread + number + key) % 4 == 0
                        let text = isOther ? "other \(key)" : "\(key)"
                        let request = PublishRequest(
                            namespace: channel.namespace,
                            entries: [
                                PublishRequest.Entry(
                                    channel: channel.name, publication: Publication(text), retention: retention)
                            ],
                            idempotency: PublishRequest.Idempotency(
                                key: Array("key \(key)".utf8), fingerprint: Array(text.utf8)))
                        engine.publish(request) { answers.add(Answer(key: key, isOther: isOther, result: $0)) }
                    }
                }
            }
            let all = await answers.values(keys * threads * each)
            await cluster.settle()
            #expect(all.count == keys * threads * each)
            var texts: [UInt64: String] = [:]
            for (key, ofKey) in Dictionary(grouping: all, by: \.key) {
                let accepted = ofKey.filter { (try? $0.result.get()) != nil }
                let isOther = try #require(accepted.first).isOther
                let position = try #require(try accepted.first?.result.get().first)
                // All repetitions of the one that was first, and nothing of the other.
                #expect(accepted.count == ofKey.count { $0.isOther == isOther })
                #expect(accepted.allSatisfy { $0.isOther == isOther && $0.result == .success([position]) })
                let refused = ofKey.filter { $0.isOther != isOther }
                #expect(refused.allSatisfy { $0.result == .failure(.keyWasUsed) })
                texts[position.offset] = isOther ? "other \(key)" : "\(key)"
            }
            #expect(texts.count == keys)
            let received = sink.received(from: cluster.nodes[1].engine)
            #expect(received.map(\.position.offset) == Array(1...UInt64(keys)))
            #expect(received.allSatisfy { texts[$0.position.offset] == $0.text })
        }
    }
}
