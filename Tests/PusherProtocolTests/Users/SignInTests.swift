import Channels
import PusherProtocol
import Testing

@Suite("Signing in (pusher-protocol §5.8)", .timeLimit(.minutes(5)))
struct SignInTests {
    @Test("A good signature is answered with the user data as a string inside the data")
    func success() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        let data = #"{"id":"12345", "user_info":{"name":"Anna"}}"#
        client.signIn(data, key: Cluster.secondKey)
        cluster.drain()
        let messages = client.take()
        #expect(messages.map(\.event) == ["pusher:signin_success"])
        #expect(messages.first?.object?["user_data"] as? String == data)
    }

    @Test("A wrong signature is an error with 4009, and the connection is closed with it: clients see nothing else")
    func wrong() throws {
        let cluster = Cluster()
        let other = try cluster.connect()
        let data = #"{"id":"anna"}"#
        func expectEnd(_ signIn: (Client) -> Void) throws {
            let client = try cluster.connect()
            signIn(client)
            client.signIn(data)  // too late
            cluster.drain()
            #expect(client.take().map(\.code) == [4009])
            #expect(client.closes.map(\.code) == [4009])
        }
        for auth in ["", "key-1:00", "key-1"] { try expectEnd { $0.signIn(data, auth: auth) } }
        try expectEnd { $0.signIn(data, auth: $0.auth("private-room")) }
        try expectEnd { $0.signIn(data, key: Cluster.otherKey) }
        let auth =
            "key-1:"
            + String(
                decoding: PusherSignature.sign(Array("\(other.socket)::user::\(data)".utf8), with: "secret-1"),
                as: UTF8.self)
        try expectEnd { $0.signIn(data, auth: auth) }
        #expect(try cluster.app.hub.channelCount == 0)
    }

    @Test(
        "A user without an id that can be one is an error with 4009",
        arguments: [
            "", "x", "[]", "{}", #"{"id":1.5}"#, #"{"id":1e3}"#, #"{"id":18446744073709551616}"#, #"{"id":""}"#,
            #"{"id":"a b"}"#, #"{"id":"caf\u00e9"}"#,
            #"{"id":"a#b"}"#,
            #"{"id":"a","watchlist":"b"}"#, #"{"id":"a","watchlist":[1.5]}"#, #"{"id":"a","watchlist":["b c"]}"#,
            #"{"id":"\#(String(repeating: "a", count: 129))"}"#,
            #"{"id":"a","user_info":"\#(String(repeating: "a", count: 1_023))"}"#,
        ])
    func invalid(data: String) throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.signIn(data)
        cluster.drain()
        #expect(client.take().map(\.code) == [4009])
        #expect(client.closes.isEmpty)
    }

    @Test("A numeric id is the user of its digits, with 64 bits too, and so is one on a watchlist")
    func numbers() throws {
        let cluster = Cluster()
        let watcher = try cluster.connect(as: "anna", more: #","watchlist":[9007199254740993,"7"]"#)
        _ = try cluster.connect(as: "9007199254740992")
        let client = try cluster.connect()
        client.signIn(#"{"id":9007199254740993}"#)
        cluster.drain()
        #expect(client.takeEvents() == ["pusher:signin_success"])
        client.subscribe("#server-to-user-9007199254740993")
        client.subscribe("#server-to-user-9007199254740992")
        cluster.drain()
        #expect(client.takeEvents() == ["pusher:subscription_error", "pusher_internal:subscription_succeeded"])
        let told = watcher.takeTexts()
        #expect(told.count == 1 && told.first?.contains(#"\"user_ids\":[\"9007199254740993\"]"#) == true)
    }

    @Test("Signing in again as the same user succeeds, as another one it fails and changes nothing")
    func again() throws {
        let cluster = Cluster()
        let client = try cluster.connect(as: "anna")
        client.signIn(#"{"id":"anna"}"#)
        cluster.drain()
        #expect(client.takeEvents() == ["pusher:signin_success"])
        client.signIn(#"{"id":"ben"}"#)
        cluster.drain()
        #expect(client.take().map(\.code) == [4009])
        client.subscribe("#server-to-user-anna")
        cluster.drain()
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"])
    }

    @Test("Two sign-ins at once are one")
    func atOnce() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.signIn(#"{"id":"anna"}"#)
        client.signIn(#"{"id":"anna"}"#)
        cluster.drain()
        let events = client.takeEvents()
        #expect(!events.isEmpty && events.allSatisfy { $0 == "pusher:signin_success" })
    }

    @Test("What is sent to a user reaches all its connections, and no one else")
    func serverToUser() throws {
        let cluster = Cluster(nodes: 2)
        let tabs = [try cluster.connect(as: "anna"), try cluster.connect(as: "anna", node: 1)]
        let ben = try cluster.connect(as: "ben")
        for tab in tabs { tab.subscribe("#server-to-user-anna") }
        ben.subscribe("#server-to-user-ben")
        cluster.drain()
        for client in tabs + [ben] { #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"]) }
        try cluster.publish(#"{"x":1}"#, event: "note", to: "#server-to-user-anna", node: 1)
        cluster.drain()
        for tab in tabs {
            #expect(
                tab.takeTexts()
                    == [##"{"event":"note","channel":"#server-to-user-anna","data":"{\"x\":1}"}"##])
        }
        #expect(ben.take().isEmpty)
    }

    @Test("A user's connections are ended with 4009, on all nodes, and nobody else's; nothing reaches them after that")
    func terminated() throws {
        let cluster = Cluster(nodes: 2)
        let tabs = [try cluster.connect(as: "anna"), try cluster.connect(as: "anna", node: 1, loop: 1)]
        let ben = try cluster.connect(as: "ben")
        for client in tabs + [ben] { client.subscribe("room") }
        cluster.drain()
        for client in tabs + [ben] { _ = client.take() }
        let control = try #require(PusherChannelNames.control(Array("anna".utf8)))
        try cluster.app.hub.relay(Publication(data: []), to: control)
        try cluster.publish("x", to: "room")
        cluster.drain()
        for tab in tabs {
            #expect(tab.closes.map(\.code) == [4009])
            #expect(tab.take().last?.code == 4009)
        }
        try cluster.publish("y", to: "room")
        cluster.drain()
        #expect(tabs.allSatisfy { $0.take().isEmpty })
        #expect(ben.takeEvents() == ["said", "said"])
        #expect(ben.closes.isEmpty)
    }

    @Test("Nothing that happens in reserved channels is told to back ends")
    func happenings() throws {
        let cluster = Cluster { $0.tellsSubscriptionCounts = true }
        let anna = try cluster.connect(as: "anna", more: #","watchlist":["ben"]"#)
        anna.subscribe("#server-to-user-anna")
        cluster.drain()
        #expect(anna.takeEvents() == ["pusher_internal:subscription_succeeded"])
        anna.closed()
        cluster.drain()
        #expect(cluster.takeHappenings().isEmpty)
        #expect(try cluster.app.hub.channelCount == 0)
    }
}
