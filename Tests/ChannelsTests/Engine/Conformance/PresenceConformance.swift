import Channels
import Testing

extension EngineConformance {
    @Suite("Presence", .timeLimit(.minutes(5)))
    struct Presence {
        private let connections = (0..<6).map { _ in ConnectionID() }

        @Test("A user joins with its first connection and leaves with its last", arguments: EngineFixtures.all)
        func firstAndLast(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            let channel = try ChannelAddress("lobby")
            let sinks = [
                try await cluster.open(channel, on: here).sink, try await cluster.open(channel, on: there).sink,
            ]
            let ann = Identity("ann", "{\"n\":1}")
            let first = try await here.engine.enter(channel, ann, through: connections[0])
            #expect(first.members.map(\.details) == [ann.details])
            #expect(first.names == ["ann"])
            #expect(first.version == 1)
            // Other details on the second connection: those of the first count.
            let again = try await there.engine.enter(channel, Identity("ann", "other"), through: connections[1])
            #expect(again.members.map(\.details) == [ann.details])
            #expect(again.version == 1)
            _ = try await there.engine.enter(channel, ann, through: connections[2])
            here.engine.leave(channel, connection: connections[0])
            there.engine.leave(channel, connection: connections[2])
            await cluster.settle()
            #expect(try await here.engine.members(channel).members.map(\.details) == [ann.details])
            for sink in sinks {
                #expect(sink.changes.map(\.kind) == [.joined])
                #expect(sink.changes.map(\.identity.details) == [ann.details])
                #expect(sink.changes.map(\.version) == [1])
            }
            there.engine.leave(channel, connection: connections[1])
            await cluster.settle()
            for sink in sinks {
                #expect(sink.comings == ["+ann", "-ann"])
                #expect(sink.changes.map(\.version) == [1, 2])
            }
            let nobody = try await here.engine.members(channel)
            #expect(nobody.names == [])
            #expect(nobody.version == 2)
        }

        @Test("Entering again through the same connection does nothing", arguments: EngineFixtures.all)
        func enteringAgain(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            for _ in 0..<3 {
                let snapshot = try await engine.enter(channel, Identity("ann"), through: connections[0])
                #expect(snapshot.names == ["ann"])
                #expect(snapshot.version == 1)
            }
            engine.leave(channel, connection: connections[0])
            await cluster.settle()
            #expect(sink.comings == ["+ann", "-ann"])
            #expect(try await engine.members(channel).names == [])
        }

        @Test("Users are told in the order in which they came", arguments: EngineFixtures.all)
        func order(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let channel = try ChannelAddress("lobby")
            for (name, connection) in zip(["dan", "ann", "cid", "bob"], connections) {
                _ = try await engine.enter(channel, Identity(name), through: connection)
            }
            engine.leave(channel, connection: connections[1])
            #expect(
                try await engine.enter(channel, Identity("eve"), through: connections[4]).names == [
                    "dan", "cid", "bob", "eve",
                ])
            #expect(
                try await engine.enter(channel, Identity("ann"), through: connections[5]).names == [
                    "dan", "cid", "bob", "eve", "ann",
                ])
        }

        @Test("Users are told apart by the bytes of their names", arguments: EngineFixtures.all)
        func bytes(fixture: any EngineFixture) async throws {
            let engine = try await fixture.makeCluster(nodes: 1).nodes[0].engine
            let channel = try ChannelAddress("lobby")
            for (name, connection) in zip(["\u{e9}", "e\u{301}", "E", "e", ""], connections) {
                _ = try await engine.enter(channel, Identity(name), through: connection)
            }
            #expect(try await engine.members(channel).members.count == 5)
        }

        @Test("A connection that enters as another user is that one from then on", arguments: EngineFixtures.all)
        func otherIdentity(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 1)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            _ = try await engine.enter(channel, Identity("ann"), through: connections[0])
            let other = try await engine.enter(channel, Identity("bob"), through: connections[0], maximum: 1)
            #expect(other.names == ["bob"])
            engine.leave(channel, connection: connections[0])
            await cluster.settle()
            #expect(sink.comings == ["+ann", "-ann", "+bob", "-bob"])
            #expect(sink.changes.map(\.version) == [1, 2, 3, 4])
        }

        @Test(
            "A full channel takes further connections of its users, but no further user", arguments: EngineFixtures.all)
        func full(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let (engine, other) = (cluster.nodes[0].engine, cluster.nodes[1].engine)
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            _ = try await engine.enter(channel, Identity("ann"), through: connections[0], maximum: 2)
            _ = try await other.enter(channel, Identity("bob"), through: connections[1], maximum: 2)
            await #expect(throws: EngineError.full) {
                try await engine.enter(channel, Identity("cid"), through: connections[2], maximum: 2)
            }
            // One that can not become another stays who it is: bob has a second connection that would have to change.
            let again = try await other.enter(channel, Identity("bob"), through: connections[3], maximum: 2)
            #expect(again.names == ["ann", "bob"])
            await #expect(throws: EngineError.full) {
                try await other.enter(channel, Identity("cid"), through: connections[3], maximum: 2)
            }
            engine.leave(channel, connection: connections[2])
            #expect(try await engine.members(channel).names == ["ann", "bob"])
            engine.leave(channel, connection: connections[0])
            await cluster.settle()
            _ = try await other.enter(channel, Identity("cid"), through: connections[2], maximum: 2)
            await cluster.settle()
            #expect(sink.comings == ["+ann", "+bob", "-ann", "+cid"])
        }

        @Test(
            "Leaving without having entered does nothing, and neither does another node's",
            arguments: EngineFixtures.all)
        func strangers(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            cluster.nodes[0].engine.leave(channel, connection: connections[0])
            _ = try await cluster.nodes[0].engine.enter(channel, Identity("ann"), through: connections[0])
            cluster.nodes[1].engine.leave(channel, connection: connections[0])
            cluster.nodes[0].engine.leave(channel, connection: connections[1])
            cluster.nodes[0].engine.leave(try ChannelAddress("other"), connection: connections[0])
            await cluster.settle()
            #expect(sink.comings == ["+ann"])
            #expect(try await cluster.nodes[1].engine.members(channel).names == ["ann"])
        }

        @Test("A leave holds also before its enter has completed", arguments: EngineFixtures.all)
        func earlyLeave(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let engine = cluster.nodes[0].engine
            let channel = try ChannelAddress("lobby")
            let completed = Collector<Bool>()
            for connection in connections {
                engine.enter(
                    channel, identity: Identity("ann"), connection: connection, maximumMembers: 10
                ) { _ in completed.add(true) }
                engine.leave(channel, connection: connection)
            }
            _ = await completed.values(connections.count)
            await cluster.settle()
            #expect(try await cluster.nodes[1].engine.members(channel).names == [])
        }

        @Test("Each coming and going is observed once, on the node that it happened on", arguments: EngineFixtures.all)
        func observed(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("lobby")
            let (here, there) = (cluster.nodes[0], cluster.nodes[1])
            let (ann, bob) = (Identity("ann"), Identity("bob"))
            _ = try await here.engine.enter(channel, ann, through: connections[0])
            _ = try await there.engine.enter(channel, ann, through: connections[1])
            _ = try await there.engine.enter(channel, bob, through: connections[2])
            here.engine.leave(channel, connection: connections[0])
            await cluster.settle()
            there.engine.leave(channel, connection: connections[1])
            await cluster.settle()
            #expect(here.observer.events(in: channel) == [.memberAdded(ann)])
            #expect(there.observer.events(in: channel) == [.memberAdded(bob), .memberRemoved(ann)])
        }

        @Test(
            "Random comings and goings on three nodes are those of a simple model", arguments: EngineFixtures.all, 1...3
        )
        func random(fixture: any EngineFixture, seed: Int) async throws {
            var generator = SeededGenerator(seed: UInt64(seed))
            let cluster = try await fixture.makeCluster(nodes: 3)
            let channel = try ChannelAddress("lobby")
            var sinks: [SinkRecorder] = []
            for node in cluster.nodes { sinks.append(try await cluster.open(channel, on: node).sink) }
            let connections = (0..<5).map { _ in ConnectionID(using: &generator) }
            let names = ["ann", "bob", "cid", "dan", "eve"]
            var model = PresenceModel()
            for step in 0..<4_000 {
                let number = Int.random(in: 0..<3, using: &generator)
                let engine = cluster.nodes[number].engine
                let connection = connections[Int.random(in: 0..<5, using: &generator)]
                let place = PresenceModel.Place(node: number, connection: connection)
                if Int.random(in: 0..<5, using: &generator) < 3 {
                    let name = names[Int.random(in: 0..<5, using: &generator)]
                    let maximum = Int.random(in: 3...5, using: &generator)
                    let hasRoom = model.enter(name, at: place, maximum: maximum)
                    do throws(any Error) {
                        let snapshot = try await engine.enter(
                            channel, Identity(name), through: connection, maximum: maximum)
                        try #require(hasRoom, "step \(step)")
                        try #require(snapshot.names == model.names, "step \(step)")
                        try #require(snapshot.version == model.version, "step \(step)")
                    } catch let error as EngineError {
                        try #require(error == .full && !hasRoom, "step \(step)")
                    }
                } else {
                    model.leave(place)
                    engine.leave(channel, connection: connection)
                }
                if !engine.isLossless { await cluster.settle() }
                let snapshot = try await cluster.nodes[(number + 1) % 3].engine.members(channel)
                try #require(snapshot.names == model.names, "step \(step)")
                try #require(snapshot.version == model.version, "step \(step)")
            }
            await cluster.settle()
            #expect(model.version > 500)
            for (sink, node) in zip(sinks, cluster.nodes) where node.engine.isLossless {
                #expect(sink.comings == model.comings.map(\.text))
                #expect(sink.changes.map(\.version) == Array(1...model.version))
            }
            for (number, node) in cluster.nodes.enumerated() {
                let own = model.comings.filter { $0.node == number }.map(\.text)
                #expect(node.observer.comings(in: channel) == own)
            }
        }

        @Test("On several threads every user's joined and left alternate", arguments: EngineFixtures.all)
        func threads(fixture: any EngineFixture) async throws {
            let cluster = try await fixture.makeCluster(nodes: 2)
            let channel = try ChannelAddress("lobby")
            let (sink, _) = try await cluster.open(channel, on: cluster.nodes[0])
            let (threads, rounds) = (4, 500)
            let completed = Collector<Bool>()
            await onThreads(threads) { thread in
                var generator = SeededGenerator(seed: UInt64(thread))
                let engine = cluster.nodes[thread % 2].engine
                let connections = (0..<3).map { _ in ConnectionID(using: &generator) }
                for _ in 0..<rounds {
                    let connection = connections[Int.random(in: 0..<3, using: &generator)]
                    let name = ["ann", "bob"][Int.random(in: 0..<2, using: &generator)]
                    engine.enter(channel, identity: Identity(name), connection: connection, maximumMembers: 9) { _ in
                        completed.add(true)
                    }
                    engine.leave(channel, connection: connections[Int.random(in: 0..<3, using: &generator)])
                }
                for connection in connections { engine.leave(channel, connection: connection) }
            }
            _ = await completed.values(threads * rounds)
            await cluster.settle()
            #expect(try await cluster.nodes[1].engine.members(channel).names == [])
            guard cluster.nodes[0].engine.isLossless else { return }
            #expect(sink.changes.map(\.version) == Array(1...UInt64(sink.changes.count)))
            for name in ["ann", "bob"] {
                let own = sink.changes.filter { $0.identity.name == name }.map(\.kind)
                #expect(own.count > 2 && own.count % 2 == 0)
                #expect(own == (0..<own.count).map { $0 % 2 == 0 ? .joined : .left })
            }
        }
    }
}
