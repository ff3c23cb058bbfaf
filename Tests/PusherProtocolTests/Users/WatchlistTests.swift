import Channels
import PusherProtocol
import Testing
import WebSocketCore

@Suite("Watchlists (pusher-protocol §5.8)", .timeLimit(.minutes(5)))
struct WatchlistTests {
    /// `online anna ben` for each event in a message, or what else it is.
    private static func words(_ messages: [Message]) -> [String] {
        messages.flatMap { message -> [String] in
            guard message.event == "pusher_internal:watchlist_events", message.channel == nil,
                let events = message.object?["events"] as? [[String: Any]]
            else { return [message.event] }
            return events.map { event in
                let users = event["user_ids"] as? [String] ?? ["?"]
                return ([event["name"] as? String ?? "?"] + users).joined(separator: " ")
            }
        }
    }

    private static func watch(_ cluster: Cluster, _ users: [String], as id: String = "watcher", node: Int = 0) throws
        -> Client
    {
        let client = try cluster.connect(node: node)
        client.signIn(#"{"id":"\#(id)","watchlist":[\#(users.map(json).joined(separator: ","))]}"#)
        return client
    }

    @Test("After signing in the client is told who is online, in one event of that one name")
    func list() throws {
        let cluster = Cluster(nodes: 2)
        _ = try cluster.connect(as: "anna", node: 1)
        _ = try cluster.connect(as: "cleo")
        let client = try Self.watch(cluster, ["anna", "ben", "cleo", "anna"])
        cluster.drain()
        #expect(Self.words(client.take()) == ["pusher:signin_success", "online anna cleo"])
    }

    @Test("Then it is told every change, a user's first connection and its last, on any node")
    func changes() throws {
        let cluster = Cluster(nodes: 2)
        let client = try Self.watch(cluster, ["anna", "ben"])
        cluster.drain()
        #expect(Self.words(client.take()) == ["pusher:signin_success"])
        let tabs = [try cluster.connect(as: "anna"), try cluster.connect(as: "anna", node: 1)]
        #expect(Self.words(client.take()) == ["online anna"])
        _ = try cluster.connect(as: "dora")
        tabs[0].closed()
        cluster.drain()
        #expect(client.take().isEmpty)
        tabs[1].closed()
        cluster.drain()
        #expect(Self.words(client.take()) == ["offline anna"])
        client.closed()
        _ = try cluster.connect(as: "anna")
        #expect(client.take().isEmpty)
    }

    @Test("A change is one message for all who watch that user, made once")
    func madeOnce() throws {
        let cluster = Cluster()
        let clients = try (0..<3).map { try Self.watch(cluster, ["anna", "ben"], as: "watcher-\($0)") }
        cluster.drain()
        for client in clients { _ = client.take() }
        let anna = try cluster.connect(as: "anna")
        cluster.drain()
        let frames = clients.map(\.frames)
        #expect(frames.map(\.count) == [1, 1, 1])
        #expect(Set(frames.joined().map(ObjectIdentifier.init)).count == 1)
        anna.closed()
        cluster.drain()
        for client in clients { #expect(Self.words(client.take()) == ["online anna", "offline anna"]) }
    }

    @Test("Whoever comes or goes while somebody signs in, the client ends with the truth", arguments: 0..<20)
    func races(seed: Int) throws {
        let cluster = Cluster(nodes: 2)
        var generator = SeededGenerator(seed: UInt64(seed))
        var online: [Client] = []
        func step() throws {
            if let client = online.popLast() {
                client.closed()
            } else {
                let client = try cluster.connect(node: 1)
                client.signIn(#"{"id":"anna"}"#)
                online.append(client)
            }
        }
        let client = try Self.watch(cluster, ["anna", "ben"])
        for _ in 0..<Int.random(in: 1...30, using: &generator) {
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: cluster.places[Int.random(in: 0..<2, using: &generator)].shards[0].drain()
            default: try step()
            }
        }
        cluster.drain()
        let words = Self.words(client.take())
        #expect(words.first == "pusher:signin_success")
        #expect(words.dropFirst().allSatisfy { ["online anna", "offline anna"].contains($0) })
        #expect((words.last == "online anna") == !online.isEmpty)
    }

    @Test("Of a longer list the first hundred are watched: success, then the error 4302")
    func tooLong() throws {
        let cluster = Cluster()
        _ = try cluster.connect(as: "user-99")
        _ = try cluster.connect(as: "user-100")
        let client = try Self.watch(cluster, (0..<150).map { "user-\($0)" })
        cluster.drain()
        let messages = client.take()
        #expect(Self.words(messages) == ["pusher:signin_success", "pusher:error", "online user-99"])
        #expect(messages.map(\.code) == [nil, 4302, nil])
        #expect(client.closes.isEmpty)
    }

    @Test("Signing in again with another list replaces it")
    func replaced() throws {
        let cluster = Cluster()
        let anna = try cluster.connect(as: "anna")
        let ben = try cluster.connect(as: "ben")
        let client = try Self.watch(cluster, ["anna"])
        cluster.drain()
        #expect(Self.words(client.take()) == ["pusher:signin_success", "online anna"])
        client.signIn(#"{"id":"watcher","watchlist":["ben"]}"#)
        cluster.drain()
        #expect(Self.words(client.take()) == ["pusher:signin_success", "online ben"])
        anna.closed()
        ben.closed()
        cluster.drain()
        #expect(Self.words(client.take()) == ["offline ben"])
    }

    @Test("One that watches itself is told that it is online")
    func oneself() throws {
        let cluster = Cluster()
        let client = try Self.watch(cluster, ["watcher"])
        cluster.drain()
        #expect(Self.words(client.take()) == ["pusher:signin_success", "online watcher"])
    }

    @Test("Who is online on a node that dies goes offline with its lease, and comes back with it")
    func deadNode() throws {
        let cluster = Cluster(nodes: 2)
        _ = try cluster.connect(as: "anna", node: 1)
        let client = try Self.watch(cluster, ["anna"])
        cluster.drain()
        _ = client.take()
        cluster.pass(60_000)
        cluster.places[0].engine.tick()
        cluster.drain()
        #expect(Self.words(client.take()) == ["offline anna"])
        cluster.tick()
        cluster.tick()
        #expect(Self.words(client.take()) == ["online anna"])
    }
}
