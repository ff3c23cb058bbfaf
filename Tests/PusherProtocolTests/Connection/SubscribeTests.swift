import Channels
import PusherProtocol
import Testing

@Suite("Subscribing (pusher-protocol §5.1, §5.2, §6)", .timeLimit(.minutes(5)))
struct SubscribeTests {
    @Test("A public channel: success with an empty object as a string, then what is published")
    func open() throws {
        let cluster = Cluster(nodes: 2)
        let client = try cluster.connect()
        client.subscribe("room")
        cluster.drain()
        #expect(
            client.takeTexts()
                == [#"{"event":"pusher_internal:subscription_succeeded","channel":"room","data":"{}"}"#])
        try cluster.publish(#"{"text":"hello"}"#, to: "room")
        try cluster.publish("from afar", to: "room", node: 1)
        try cluster.publish("elsewhere", to: "lobby")
        cluster.drain()
        let messages = client.take()
        #expect(messages.map(\.data) == [#"{"text":"hello"}"#, "from afar"])
        #expect(messages.allSatisfy { $0.names == ["event", "channel", "data"] })
    }

    @Test("Nothing live comes before the success, wherever the publishing falls")
    func order() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("room")
        try cluster.publish("1", to: "room")
        cluster.drain()
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded", "said"])
        let second = try cluster.connect(loop: 1)
        second.join("presence-room", as: #""anna""#)
        try cluster.publish("2", to: "presence-room")
        let third = try cluster.connect()
        third.join("presence-room", as: #""ben""#)
        try cluster.publish("3", to: "presence-room")
        cluster.drain()
        // Ben came before the list left: it has him, and nothing more is said about that.
        let seconds = second.take()
        #expect(
            seconds.map(\.event) == ["pusher_internal:subscription_succeeded", "said", "said"]
                && seconds.first?.data?.contains("ben") == true)
        #expect(third.takeEvents() == ["pusher_internal:subscription_succeeded", "said"])
    }

    @Test(
        "Private channels want a signature of the app, by any of its keys", arguments: [Cluster.key, Cluster.secondKey])
    func signed(key: PusherKey) throws {
        let cluster = Cluster()
        // The key that signs need not be the one that the client has connected with.
        let client = try cluster.connect()
        for channel in ["private-room", "private-encrypted-room", "private-cache-room"] {
            client.subscribe(channel, key: key)
            cluster.drain()
            #expect(client.takeEvents().first == "pusher_internal:subscription_succeeded")
        }
    }

    @Test("Rows 119, 125: without a good signature there is an error on the channel with 401, and the connection stays")
    func unauthorized() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        let other = try cluster.connect()
        let good = client.auth("private-room")
        let wrong = [
            "", "key-1", "key-1:", ":", "key-1:zz", good.uppercased(), good + "00", String(good.dropLast()),
            // Another channel, another connection, another app, a key that nobody has, no key.
            client.auth("private-roon"), other.auth("private-room"),
            client.auth("private-room", key: Cluster.otherKey),
            "other-key" + good.dropFirst("key-1".count), "key-3" + good.dropFirst("key-1".count),
            String(good.dropFirst("key-1".count)), client.auth("private-room", data: "{}"),
            "key-2" + good.dropFirst("key-1".count),
        ]
        for auth in wrong {
            client.subscribe("private-room", auth: auth)
            cluster.drain()
            let messages = client.take()
            #expect(messages.map(\.event) == ["pusher:subscription_error"], "\(auth)")
            #expect(messages.first?.channel == "private-room")
            #expect(messages.first?.status == 401)
            #expect(messages.first?.object?["type"] as? String == "AuthError")
        }
        #expect(client.closes.isEmpty)
        #expect(try cluster.app.hub.channelCount == 0)
        try cluster.publish("secret", to: "private-room")
        cluster.drain()
        #expect(client.take().isEmpty)
        client.subscribe("private-room", auth: good)
        cluster.drain()
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"])
    }

    @Test("Row 125: channels of the same name in two apps have nothing to do with each other")
    func apps() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        let stranger = try cluster.connect(key: Cluster.otherKey)
        client.subscribe("room")
        stranger.subscribe("room")
        cluster.drain()
        _ = stranger.take()
        try cluster.publish("x", to: "room")
        cluster.drain()
        #expect(client.takeEvents().last == "said")
        #expect(stranger.take().isEmpty)
    }

    @Test("Row 115: a name that can be none is an error on that name, and one that is far too long is not told back")
    func names() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        for name in [
            "", "a b", "caf\u{E9}", "#room", "#user-anna", "#online-anna", "a\u{0}", String(repeating: "a", count: 165),
        ] {
            client.subscribe(name)
            let messages = client.take()
            #expect(messages.map(\.event) == ["pusher:subscription_error"])
            #expect(messages.first?.channel == name)
            #expect(messages.first?.status == 400)
        }
        client.subscribe(String(repeating: "\u{1F600}", count: 10_000))
        #expect(client.takeEvents() == ["pusher:error"])
        #expect(client.closes.isEmpty)
    }

    @Test("Row 122: another user's channel, one of nobody and one without signing in are refused alike")
    func usersChannel() throws {
        let cluster = Cluster()
        let anna = try cluster.connect(as: "anna")
        let nobody = try cluster.connect()
        _ = try cluster.connect(as: "ben")
        for (client, id) in [(anna, "ben"), (anna, "nobody"), (nobody, "anna"), (nobody, "nobody")] {
            client.subscribe("#server-to-user-\(id)")
            let messages = client.take()
            #expect(messages.map(\.status) == [401])
            #expect(
                messages.first?.object?["error"] as? String
                    == "You have no right to this channel, or the signature is not valid.")
        }
    }

    @Test("Row 113: the 1,001st channel is an error, and the connection goes on")
    func tooManyChannels() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        for index in 0..<1_000 { client.subscribe("a\(index)") }
        cluster.drain()
        #expect(client.takeEvents().count == 1_000)
        client.subscribe("b")
        let messages = client.take()
        #expect(messages.map(\.event) == ["pusher:subscription_error"])
        #expect(messages.first?.status == 403)
        #expect(messages.first?.channel == "b")
        client.subscribe("a7")
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"])
        client.unsubscribe("a7")
        client.subscribe("b")
        cluster.drain()
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"])
    }

    @Test("A second subscribe is answered with success again, and everything comes once")
    func duplicate() throws {
        let cluster = Cluster { $0.tellsSubscriptionCounts = true }
        let client = try cluster.connect()
        for channel in ["room", "private-room"] {
            client.subscribe(channel)
            cluster.drain()
            _ = client.take()
            client.subscribe(channel)
            client.subscribe(channel)
            cluster.drain()
            #expect(
                client.takeTexts()
                    == Array(
                        repeating:
                            #"{"event":"pusher_internal:subscription_succeeded","channel":"\#(channel)","data":"{}"}"#,
                        count: 2))
            try cluster.publish("x", to: channel)
            cluster.drain()
            #expect(client.takeEvents() == ["said"])
        }
        // A second one that has no right changes nothing.
        client.subscribe("private-room", auth: "")
        let messages = client.take()
        #expect(messages.map(\.status) == [401])
        #expect((messages.first?.object?["error"] as? String)?.contains("there was none") == true)
        try cluster.publish("x", to: "private-room")
        cluster.drain()
        #expect(client.takeEvents() == ["said"])
    }

    @Test("After an unsubscribe nothing comes, and subscribing again begins anew")
    func unsubscribe() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("room")
        cluster.drain()
        _ = client.take()
        try cluster.publish("under way", to: "room")
        client.unsubscribe("room")
        client.unsubscribe("room")
        client.unsubscribe("never")
        try cluster.publish("missed", to: "room")
        cluster.drain()
        #expect(client.take().isEmpty)
        client.subscribe("room")
        try cluster.publish("heard", to: "room")
        cluster.drain()
        #expect(client.take().map(\.data) == ["{}", "heard"])
    }

    @Test("An unsubscribe that overtakes the success leaves nothing behind")
    func unsubscribeAtOnce() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        let other = try cluster.connect(loop: 1)
        other.join("presence-room", as: #""ben""#)
        cluster.drain()
        _ = other.take()
        client.join("presence-room", as: #""anna""#)
        client.unsubscribe("presence-room")
        cluster.drain()
        #expect(client.take().isEmpty)
        #expect(other.takeEvents() == ["pusher_internal:member_added", "pusher_internal:member_removed"])
    }

    @Test("Encrypted channels: what is published there goes through byte for byte")
    func encrypted() throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        let client = try cluster.connect()
        client.subscribe("private-encrypted-room")
        cluster.drain()
        _ = client.take()
        let data = #"{"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX","ciphertext":"9X+/=\/ab"}"#
        try cluster.publish(data, to: "private-encrypted-room")
        cluster.drain()
        #expect(client.take().map(\.data) == [data])
    }

    @Test("The number of subscriptions is told, when the app wants it, with every change")
    func counts() throws {
        let cluster = Cluster(nodes: 2) { $0.tellsSubscriptionCounts = true }
        let first = try cluster.connect()
        first.subscribe("room")
        cluster.drain()
        let told = first.take()
        #expect(told.map(\.event) == ["pusher_internal:subscription_succeeded", "pusher_internal:subscription_count"])
        #expect(told.last?.data == #"{"subscription_count":1}"#)
        let second = try cluster.connect(node: 1)
        second.subscribe("room")
        cluster.drain()
        #expect(first.take().map(\.data) == [#"{"subscription_count":2}"#])
        #expect(
            second.takeEvents() == ["pusher_internal:subscription_succeeded", "pusher_internal:subscription_count"])
        second.closed()
        cluster.drain()
        #expect(first.take().map(\.data) == [#"{"subscription_count":1}"#])
        first.join("presence-room", as: "1")
        cluster.drain()
        #expect(first.takeEvents() == ["pusher_internal:subscription_succeeded"])
    }

    @Test("Without that nobody is told a number")
    func noCounts() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("room")
        cluster.drain()
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"])
    }

    @Test("An engine that can not be reached is an error on the channel with 503, and the place is free again")
    func unavailable() throws {
        let cluster = Cluster()
        cluster.places[0].engine.stop()
        let client = try cluster.connect()
        for channel in ["presence-room", "cache-room"] {
            client.subscribe(channel, data: channel == "cache-room" ? nil : #"{"user_id":"anna"}"#)
            cluster.drain()
            let messages = client.take()
            #expect(messages.map(\.event) == ["pusher:subscription_error"])
            #expect(messages.first?.status == 503)
        }
        #expect(try cluster.app.hub.channelCount == 0)
    }

    @Test("Row 114: channels that nobody is in any more are gone")
    func idleChannels() throws {
        let cluster = Cluster()
        for index in 0..<500 {
            let client = try cluster.connect()
            client.subscribe("a\(index)")
            cluster.drain()
            client.closed()
            cluster.drain()
        }
        #expect(try cluster.app.hub.channelCount == 0)
        #expect(try cluster.app.connectionCount == 0)
    }
}
