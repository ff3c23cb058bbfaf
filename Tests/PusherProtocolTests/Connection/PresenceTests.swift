import Channels
import PusherProtocol
import Testing

@Suite("Presence (pusher-protocol §5.3)", .timeLimit(.minutes(5)))
struct PresenceTests {
    @Test("A joiner is told everybody, itself included: ids once each, hash an object, and the count")
    func snapshot() throws {
        let cluster = Cluster(nodes: 2)
        let first = try cluster.connect()
        first.join("presence-room", as: #""anna""#, info: #"{"name":"Anna \"A\""}"#)
        cluster.drain()
        let alone = try #require(first.take().first)
        #expect(alone.data != nil)
        #expect(alone.presence?.ids == ["anna"])
        #expect((alone.presence?.hash["anna"] as? [String: String]) == ["name": "Anna \"A\""])
        #expect(alone.presence?.count == 1)
        // The same user once more, and another, on another node.
        let again = try cluster.connect(node: 1)
        again.join("presence-room", as: #""anna""#, info: #"{"name":"other"}"#)
        let ben = try cluster.connect(node: 1, loop: 1)
        ben.join("presence-room", as: #""ben""#)
        cluster.drain()
        let presence = try #require(ben.take().first?.presence)
        #expect(presence.ids == ["anna", "ben"])
        #expect(Set(presence.hash.keys) == ["anna", "ben"])
        #expect(presence.count == 2)
        // One without user_info is an object all the same: stock clients look into it.
        #expect(presence.hash["ben"] is [String: Any])
    }

    @Test("Trap 1: the others, on all nodes, are told a user's first connection and its last, once")
    func firstAndLast() throws {
        let cluster = Cluster(nodes: 3)
        let watchers = try (0..<3).map { node in
            let client = try cluster.connect(node: node)
            client.join("presence-room", as: #""watcher-\#(node)""#)
            cluster.drain()
            return client
        }
        for watcher in watchers { _ = watcher.take() }
        let tabs = try (0..<3).map { node in
            let client = try cluster.connect(node: node, loop: 1)
            client.join("presence-room", as: #""anna""#, info: #"{"tab":\#(node)}"#)
            cluster.drain()
            return client
        }
        for watcher in watchers {
            let messages = watcher.take()
            #expect(messages.map(\.event) == ["pusher_internal:member_added"])
            #expect(messages.first?.data == #"{"user_id":"anna","user_info":{"tab":0}}"#)
            #expect(messages.first?.names == ["event", "channel", "data"])
        }
        // The joiner is not told of itself.
        #expect(tabs.allSatisfy { $0.takeEvents() == ["pusher_internal:subscription_succeeded"] })
        tabs[0].closed()
        tabs[2].unsubscribe("presence-room")
        cluster.drain()
        #expect(watchers.allSatisfy { $0.take().isEmpty })
        tabs[1].closed()
        cluster.drain()
        for watcher in watchers {
            let messages = watcher.take()
            #expect(messages.map(\.event) == ["pusher_internal:member_removed"])
            #expect(messages.first?.data == #"{"user_id":"anna"}"#)
        }
    }

    @Test("A number for an id is text where members are looked up, and told as it was written")
    func numericID() throws {
        let cluster = Cluster()
        let watcher = try cluster.connect()
        watcher.join("presence-room", as: #""w""#)
        cluster.drain()
        _ = watcher.take()
        let client = try cluster.connect()
        let data = #"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#
        client.subscribe("presence-room", data: data)
        cluster.drain()
        let presence = try #require(client.take().first?.presence)
        #expect(presence.ids == ["w", "10"])
        #expect((presence.hash["10"] as? [String: String]) == ["name": "Mr. Channels"])
        #expect(watcher.take().map(\.data) == [data])
        // The same user, whose id is text this time.
        let text = try cluster.connect()
        text.join("presence-room", as: #""10""#)
        cluster.drain()
        #expect(text.take().first?.presence?.count == 2)
        #expect(watcher.take().isEmpty)
        client.closed()
        text.closed()
        cluster.drain()
        #expect(watcher.takeEvents() == ["pusher_internal:member_removed"])
    }

    @Test("The signature covers the exact text of channel_data")
    func exactText() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        let data = #"{ "user_id" : "anna",  "user_info":{"a":"\u00e9\/"} }"#
        client.subscribe("presence-room", data: data)
        cluster.drain()
        let presence = try #require(client.take().first?.presence)
        #expect((presence.hash["anna"] as? [String: String]) == ["a": "\u{E9}/"])
        client.unsubscribe("presence-room")
        let compact = #"{"user_id":"anna","user_info":{"a":"\u00e9\/"}}"#
        client.subscribe("presence-room", data: compact, auth: client.auth("presence-room", data: data))
        #expect(client.take().map(\.status) == [401])
    }

    @Test("Row 119: who is present comes from what was signed, never from what a client writes")
    func forged() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        let signed = #"{"user_id":"anna"}"#
        let auth = client.auth("presence-room", data: signed)
        client.subscribe("presence-room", data: #"{"user_id":"ben"}"#, auth: auth)
        client.subscribe("presence-room", auth: auth)
        client.subscribe("presence-room", data: #"{"user_id":"anna","user_info":{"admin":true}}"#, auth: auth)
        // The right to the channel alone, without a user, is no identity.
        client.subscribe("presence-room", data: signed, auth: client.auth("presence-room"))
        cluster.drain()
        #expect(client.take().map(\.status) == [401, 401, 401, 401])
        client.subscribe("presence-room", auth: client.auth("presence-room"))
        #expect(client.take().map(\.status) == [400])
        #expect(try cluster.app.hub.channelCount == 0)
    }

    @Test(
        "Rows 108, 120: channel_data that names no user, and users that are too large, are errors on the channel",
        arguments: [
            "", "x", "[]", "{}", "null", #"{"user_id":null}"#, #"{"user_id":""}"#, #"{"user_id":true}"#,
            #"{"user_id":{"a":1}}"#, #"{"user_id":1.5}"#, #"{"user_id":1e3}"#, #"{"user_id":-0}"#,
            #"{"user_id":1e999999}"#,
            #"{"user_id":18446744073709551616}"#, #"{"user_id":-9223372036854775809}"#, #"{"user_id":1.0}"#,
            #"{"user_id":"\ud800"}"#, #"{"user_id":1,"user_info":{"name":"\udc00"}}"#,
            #"{"user_id":"\#(String(repeating: "a", count: 129))"}"#,
            #"{"user_id":"a","user_info":"\#(String(repeating: "a", count: 1_023))"}"#,
            #"{"user_id":"a","user_info":\#(String(repeating: "[", count: 40))\#(String(repeating: "]", count: 40))}"#,
        ])
    func invalid(data: String) throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("presence-room", data: data)
        cluster.drain()
        let messages = client.take()
        #expect(messages.map(\.event) == ["pusher:subscription_error"])
        #expect([400, 401].contains(messages.first?.status))
        #expect(client.closes.isEmpty)
        #expect(try cluster.app.hub.channelCount == 0)
    }

    @Test(
        "An id of 64 bits is taken by its digits, and told as a number only where every client reads the same one",
        arguments: [
            ("7", true), ("0", true), ("-3", true), ("9007199254740991", true), ("-9007199254740991", true),
            ("9007199254740992", false), ("9007199254740993", false), ("9223372036854775807", false),
            ("-9223372036854775808", false), ("18446744073709551615", false),
        ])
    func numericIDs(digits: String, isNumber: Bool) throws {
        let cluster = Cluster()
        let first = try cluster.connect()
        first.join("presence-room", as: #""anna""#)
        // Otherwise both begin with one list that has both.
        cluster.drain()
        let second = try cluster.connect()
        second.join("presence-room", as: digits)
        cluster.drain()
        let written = isNumber ? digits : #"\"\#(digits)\""#
        #expect(first.takeTexts().last?.contains(#""data":"{\"user_id\":\#(written),"#) == true)
        let roster = second.takeTexts().first ?? ""
        #expect(roster.contains(#"\"ids\":[\"anna\",\"\#(digits)\"]"#) && roster.contains(#"\"\#(digits)\":{}"#))
        second.unsubscribe("presence-room")
        cluster.drain()
        #expect(first.takeTexts().last?.contains(#""data":"{\"user_id\":\#(written)}""#) == true)
    }

    @Test("Two ids that a Double takes for the same are two users")
    func neighbours() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        for id in ["9007199254740992", "9007199254740993"] {
            let other = try cluster.connect()
            other.join("presence-room", as: id)
        }
        client.join("presence-room", as: #""anna""#)
        cluster.drain()
        #expect(client.take().first?.presence?.count == 3)
    }

    @Test("Row 120: the largest user that is allowed, with markup and marks of direction, goes through as it is")
    func largest() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        let name = "<img src=x onerror=alert(1)>\u{202E}"
        let info = #"{"name":"\#(name)","pad":"\#(String(repeating: "a", count: 1_024 - 20 - name.utf8.count))"}"#
        #expect(info.utf8.count == 1_024)
        let id = String(repeating: "b", count: 128)
        client.join("presence-room", as: json(id), info: info)
        cluster.drain()
        let presence = try #require(client.take().first?.presence)
        #expect((presence.hash[id] as? [String: String])?["name"] == name)
    }

    @Test("A full channel is an error on it; a user that is present already comes in with another connection")
    func full() throws {
        let cluster = Cluster { $0.limits.presenceMembers = 2 }
        let clients = try (0..<4).map { _ in try cluster.connect() }
        clients[0].join("presence-room", as: #""anna""#)
        clients[1].join("presence-room", as: #""ben""#)
        clients[2].join("presence-room", as: #""cleo""#)
        clients[3].join("presence-room", as: #""anna""#)
        cluster.drain()
        #expect(clients[2].take().map(\.status) == [403])
        #expect(clients[3].takeEvents() == ["pusher_internal:subscription_succeeded"])
        clients[1].closed()
        clients[2].join("presence-room", as: #""cleo""#)
        cluster.drain()
        #expect(clients[2].take().last?.presence?.count == 2)
    }

    @Test("A second subscribe is answered with who is present now, and nobody sees the user go or come")
    func duplicate() throws {
        let cluster = Cluster()
        let anna = try cluster.connect()
        anna.join("presence-room", as: #""anna""#)
        cluster.drain()
        _ = anna.take()
        let ben = try cluster.connect(loop: 1)
        ben.join("presence-room", as: #""ben""#)
        cluster.drain()
        _ = anna.take()
        _ = ben.take()
        for recover in [nil, "{}"] {
            anna.subscribe("presence-room", data: #"{"user_id":"anna"}"#, recover: recover)
            try cluster.publish("x", to: "presence-room")
            cluster.drain()
            let messages = anna.take()
            #expect(messages.map(\.event) == ["pusher_internal:subscription_succeeded", "said"])
            #expect(messages.first?.presence?.ids == ["anna", "ben"])
            #expect(ben.takeEvents() == ["said"])
        }
        // As somebody else it is somebody else.
        anna.join("presence-room", as: #""anna-2""#)
        cluster.drain()
        #expect(anna.take().last?.presence?.ids == ["ben", "anna-2"])
        #expect(
            Set(ben.takeEvents()) == ["pusher_internal:member_removed", "pusher_internal:member_added"])
        anna.closed()
        cluster.drain()
        #expect(ben.take().map(\.data) == [#"{"user_id":"anna-2"}"#])
    }

    @Test("Without channel_data a signed-in connection is present as its user, with the private form of the signature")
    func signedIn() throws {
        let cluster = Cluster()
        let watcher = try cluster.connect()
        watcher.join("presence-room", as: #""w""#)
        let anna = try cluster.connect(as: "anna", more: #","user_info":{"name":"Anna"}"#)
        _ = watcher.take()
        anna.subscribe("presence-room")
        cluster.drain()
        #expect((anna.take().first?.presence?.hash["anna"] as? [String: String]) == ["name": "Anna"])
        #expect(watcher.take().map(\.data) == [#"{"user_id":"anna","user_info":{"name":"Anna"}}"#])
        // What is there overrides.
        anna.join("presence-other", as: #""somebody""#)
        cluster.drain()
        #expect(anna.take().first?.presence?.ids == ["somebody"])
    }

    @Test(
        "Row 121: fifty tabs of few users, opened and killed at random, leave every watcher with the truth",
        arguments: 0..<8)
    func tabs(seed: Int) throws {
        let cluster = Cluster(nodes: 2)
        let watcher = try cluster.connect()
        watcher.join("presence-room", as: #""watcher""#)
        cluster.drain()
        var present: Set<String> = []
        func follow() throws {
            for message in watcher.take() {
                switch message.event {
                case "pusher_internal:subscription_succeeded":
                    present = Set(try #require(message.presence).ids)
                case "pusher_internal:member_added":
                    let id = try #require(message.object?["user_id"] as? String)
                    #expect(present.insert(id).inserted)
                case "pusher_internal:member_removed":
                    let id = try #require(message.object?["user_id"] as? String)
                    #expect(present.remove(id) != nil)
                default: Issue.record("unexpected \(message)")
                }
            }
        }
        var generator = SeededGenerator(seed: UInt64(seed))
        var tabs: [(client: Client, user: String)] = []
        for _ in 0..<600 {
            if tabs.count < 50, Bool.random(using: &generator) {
                let user = "user-\(Int.random(in: 0..<4, using: &generator))"
                let client = try cluster.connect(
                    node: Int.random(in: 0..<2, using: &generator), loop: Int.random(in: 0..<2, using: &generator))
                client.join("presence-room", as: json(user))
                tabs.append((client, user))
            } else if let index = tabs.indices.randomElement(using: &generator) {
                let tab = tabs.remove(at: index)
                if Bool.random(using: &generator) {
                    tab.client.unsubscribe("presence-room")
                } else {
                    tab.client.closed()
                }
            }
            if Bool.random(using: &generator) {
                cluster.drain()
                try follow()
                #expect(present == Set(tabs.map(\.user)).union(["watcher"]))
            }
        }
        for tab in tabs { tab.client.closed() }
        cluster.drain()
        try follow()
        #expect(present == ["watcher"])
    }

    @Test("Row 121: the users of a node that dies are gone when its lease ends")
    func deadNode() throws {
        let cluster = Cluster(nodes: 2)
        let watcher = try cluster.connect()
        watcher.join("presence-room", as: #""watcher""#)
        let anna = try cluster.connect(node: 1)
        anna.join("presence-room", as: #""anna""#)
        cluster.drain()
        _ = watcher.take()
        cluster.pass(60_000)
        // The first tick renews a node's own lease and finds the other's ended.
        cluster.places[0].engine.tick()
        cluster.drain()
        #expect(watcher.take().map(\.data) == [#"{"user_id":"anna"}"#])
        // Its clients, who are alive after all, are present again when it is back.
        cluster.tick()
        cluster.tick()
        #expect(watcher.take().map(\.data) == [#"{"user_id":"anna","user_info":{}}"#])
    }
}
