import Channels
import PusherProtocol
import Testing

@Suite("Apps on a node", .timeLimit(.minutes(5)))
struct PusherNodeTests {
    @Test("Apps are found by each of their keys and by their ids, compared as bytes")
    func lookUp() throws {
        let cluster = Cluster()
        #expect(cluster.node.runtime(key: "key-1") === cluster.node.runtime(key: "key-2"))
        #expect(cluster.node.runtime(key: "key-1") === cluster.node.runtime(id: "1"))
        #expect(cluster.node.runtime(key: "other-key")?.app.id == "2")
        #expect(cluster.node.runtime(key: "1") == nil)
        #expect(cluster.node.runtime(id: "key-1") == nil)
        #expect(try cluster.app.key("key-2".utf8) == Cluster.secondKey)
        #expect(try cluster.app.key("other-key".utf8) == nil)
    }

    @Test("What happens in channels is told with the app's id: occupied, members, vacated")
    func happenings() throws {
        let cluster = Cluster(nodes: 2)
        let client = try cluster.connect(node: 1)
        client.join("presence-room", as: #""anna""#)
        cluster.drain()
        client.closed()
        cluster.drain()
        let anna = Identity(id: Array("anna".utf8))
        #expect(
            cluster.takeHappenings().map(\.event) == [.occupied, .memberAdded(anna), .memberRemoved(anna), .vacated])
    }

    @Test("Counts are told to back ends only when the app wants them, and not of presence channels")
    func counts() throws {
        for isWanted in [false, true] {
            let cluster = Cluster { $0.tellsSubscriptionCounts = isWanted }
            let client = try cluster.connect()
            client.subscribe("room")
            client.join("presence-room", as: "1")
            cluster.drain()
            let counts = cluster.takeHappenings().filter { $0.event == .subscriptionCount(1) }
            #expect(counts.map(\.channel) == (isWanted ? ["room"] : []))
        }
    }

    @Test("A cache channel's newest event is kept for half an hour, whatever the app's histories are")
    func retention() throws {
        let cluster = Cluster { $0.retention = Retention(publications: 5) }
        let cache = try #require(PusherChannelKind(Array("cache-a".utf8)))
        let plain = try #require(PusherChannelKind(Array("a".utf8)))
        #expect(try cluster.app.retention(of: cache).newestMilliseconds == 1_800_000)
        #expect(try cluster.app.retention(of: cache).publications == 5)
        #expect(try cluster.app.retention(of: plain) == Retention(publications: 5))
    }

    @Test("Row 138: a signature is used once as long as it would be accepted again, and then forgotten")
    func replays() throws {
        let cluster = Cluster()
        let app = try cluster.app
        let signature = Array(UInt8(0)..<32)
        let other = Array(UInt8(1)..<33)
        #expect(app.takeSignature(signature, timestamp: 10_000, window: 600, now: 10_000) == .first)
        #expect(app.takeSignature(signature, timestamp: 10_000, window: 600, now: 10_600) == .repeated)
        #expect(app.takeSignature(other, timestamp: 10_000, window: 600, now: 10_600) == .first)
        #expect(app.takeSignature(signature, timestamp: 10_000, window: 600, now: 10_000 + 600 + 60) == .first)
    }

    @Test("Row 145: each key may send so many requests a second, and others theirs")
    func requests() throws {
        let cluster = Cluster { $0.limits.requestsPerSecond = 3 }
        let app = try cluster.app
        func taken(_ key: PusherKey) -> Int { (0..<10).count { _ in app.takeRequest(of: key) } }
        #expect(taken(Cluster.key) == 3)
        #expect(taken(Cluster.secondKey) == 3)
        cluster.pass(1_000)
        #expect(taken(Cluster.key) == 3)
    }
}
