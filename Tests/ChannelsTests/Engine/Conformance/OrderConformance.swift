import Channels
import Testing

extension EngineConformance {
    @Suite("The order of a channel on several threads", .timeLimit(.minutes(5)))
    struct Order {
        @Test("Offsets are dense, and all sinks are told the same in the same order", arguments: EngineFixtures.all)
        func sameOrder(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let sinks = [
                try await cluster.open(channel, on: cluster.nodes[0]).sink,
                try await cluster.open(channel, on: cluster.nodes[1]).sink,
            ]
            let (threads, each) = (4, 1_000)
            let answers = Collector<(text: String, position: Position)>()
            await onThreads(threads) { thread in
                for number in 0..<each {
                    let text = "\(thread) \(number)"
                    let entry = PublishRequest.Entry(
                        channel: channel.name, publication: Publication(text), retention: Retention(publications: 300))
                    let request = PublishRequest(namespace: channel.namespace, entries: [entry])
                    cluster.nodes[thread % 2].engine.publish(request) { result in
                        if case .success(let positions) = result, let position = positions.first {
                            answers.add((text, position))
                        }
                    }
                }
            }
            let all = await answers.values(threads * each).sorted { $0.position.offset < $1.position.offset }
            await cluster.settle()
            #expect(all.map(\.position.offset) == Array(1...UInt64(threads * each)))
            for (sink, node) in zip(sinks, cluster.nodes) {
                let received = sink.received(from: node.engine)
                #expect(received.map(\.position) == all.map(\.position))
                #expect(received.map(\.text) == all.map(\.text))
            }
            let page = try await cluster.nodes[0].engine.history(channel)
            #expect(page.texts == all.suffix(300).map(\.text))
            guard cluster.nodes[0].engine.isLossless else { return }
            // What one thread said one after the other also stands so in the channel.
            for thread in 0..<threads {
                let own = all.map(\.text).filter { $0.hasPrefix("\(thread) ") }
                #expect(own == (0..<each).map { "\(thread) \($0)" })
            }
        }

        @Test("A sink that opens among publications misses nothing above its top", arguments: EngineFixtures.all)
        func opening(fixture: any EngineFixture) async throws {
            struct Opened: Sendable {
                let sink: SinkRecorder
                let top: Position
            }
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let (publications, openings) = (3_000, 200)
            let opened = Collector<Opened>()
            let published = Collector<Bool>()
            await onThreads(3) { thread in
                let engine = cluster.nodes[thread % 2].engine
                if thread == 2 {
                    for _ in 0..<openings {
                        let sink = SinkRecorder()
                        engine.open(channel, sink: sink) { result in
                            if case .success(let top) = result { opened.add(Opened(sink: sink, top: top)) }
                        }
                    }
                } else {
                    for number in 0..<publications {
                        let entry = PublishRequest.Entry(
                            channel: channel.name, publication: Publication("\(number)"), retention: .none)
                        engine.publish(PublishRequest(namespace: channel.namespace, entries: [entry])) { _ in
                            published.add(true)
                        }
                    }
                }
            }
            _ = await published.values(2 * publications)
            let all = await opened.values(openings)
            await cluster.settle()
            let top = UInt64(2 * publications)
            for each in all {
                let offsets = each.sink.received(from: cluster.nodes[0].engine).map(\.position.offset)
                #expect(offsets.suffix(Int(top - each.top.offset)) == Array(each.top.offset + 1..<top + 1)[...])
                if cluster.nodes[0].engine.isLossless { #expect(offsets.first ?? top + 1 == each.top.offset + 1) }
            }
        }

        @Test("A page read among publications has no hole, and ends at its top", arguments: EngineFixtures.all)
        func reading(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("news")
            let (publications, reads) = (2_000, 1_000)
            let pages = Collector<HistoryPage>()
            let published = Collector<Bool>()
            await onThreads(3) { thread in
                let engine = cluster.nodes[thread % 2].engine
                for number in 0..<(thread == 2 ? reads : publications) {
                    if thread == 2 {
                        engine.history(channel, since: nil, limit: 300) { result in
                            if case .success(let page) = result { pages.add(page) }
                        }
                    } else {
                        let entry = PublishRequest.Entry(
                            channel: channel.name, publication: Publication("\(number)"),
                            retention: Retention(publications: 50))
                        engine.publish(PublishRequest(namespace: channel.namespace, entries: [entry])) { _ in
                            published.add(true)
                        }
                    }
                }
            }
            _ = await published.values(2 * publications)
            for page in await pages.values(reads) {
                #expect(page.offsets == Array(page.oldest..<page.top.offset + 1))
                #expect(page.entries.count == min(50, Int(page.top.offset)))
            }
        }
    }
}
