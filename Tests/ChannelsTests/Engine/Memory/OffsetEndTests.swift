import Testing

@testable import Channels

@Suite("The end of an epoch's offsets", .timeLimit(.minutes(5)))
struct OffsetEndTests {
    private func cluster(_ maximum: UInt64) -> MemoryCluster {
        var options = MemoryStore.Options()
        options.maximumOffset = maximum
        return MemoryFixture(options: options).makeMemoryCluster(nodes: 2)
    }

    @Test("After the largest offset the log goes on in another epoch, and all sinks are told first")
    func end() async throws {
        let cluster = cluster(3)
        let channel = try ChannelAddress("news")
        let sinks = [
            try await cluster.open(channel, on: cluster.nodes[0]).sink,
            try await cluster.open(channel, on: cluster.nodes[1]).sink,
        ]
        var positions: [Position] = []
        for number in 1...3 { positions.append(try await cluster.engines[0].say("\(number)", to: channel)) }
        #expect(sinks.map(\.interruptions) == [0, 0])
        for number in 4...8 { positions.append(try await cluster.engines[1].say("\(number)", to: channel)) }
        #expect(positions.map(\.offset) == [1, 2, 3, 1, 2, 3, 1, 2])
        #expect(Set(positions.map(\.epoch)).count == 3)
        for sink in sinks {
            #expect(sink.interruptions == 2)
            #expect(sink.received.map(\.position) == positions)
        }
        let page = try await cluster.engines[0].history(channel)
        #expect(page.texts == ["7", "8"])
        #expect(page.offsets == [1, 2])
        #expect(page.top == positions.last)
        #expect(cluster.store.keptBytes == cluster.recount())
    }

    @Test("A request may go across the end")
    func batch() async throws {
        let cluster = cluster(3)
        let channel = try ChannelAddress("news")
        let entries = (1...5).map { number in
            PublishRequest.Entry(
                channel: channel.name, publication: Publication("\(number)"), retention: Retention())
        }
        let positions = try await cluster.engines[0].publish(
            PublishRequest(namespace: channel.namespace, entries: entries))
        #expect(positions.map(\.offset) == [1, 2, 3, 1, 2])
        #expect(try await cluster.engines[0].history(channel).texts == ["4", "5"])
    }

    @Test("The largest offset is the largest that every JSON reader keeps exactly")
    func maximum() {
        #expect(MemoryStore.Options().maximumOffset == 9_007_199_254_740_991)
    }
}
