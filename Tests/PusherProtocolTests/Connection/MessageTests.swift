import Channels
import PusherProtocol
import Testing
import WebSocketCore

@Suite("Messages of clients (section F of the catalogue)", .timeLimit(.minutes(5)))
struct MessageTests {
    @Test(
        "Row 104: a message that is no object with an event gets an error without a code, and the connection stays",
        arguments: [
            "null", "[]", #""""#, "1", "true", "", "{", "{}", #"{"event":1}"#, #"{"event":null}"#, #"{"event":["a"]}"#,
        ])
    func noMessage(text: String) throws {
        let client = try Cluster().connect()
        client.send(text)
        let messages = client.take()
        #expect(messages.map(\.event) == ["pusher:error"])
        #expect(messages.first?.hasObject == true)
        #expect(messages.first?.code == nil)
        #expect((messages.first?.object?["message"] as? String)?.isEmpty == false)
        #expect(client.closes.isEmpty)
        client.send(#"{"event":"pusher:ping"}"#)
        #expect(client.takeEvents() == ["pusher:pong"])
    }

    @Test("Row 104: the tenth message of that kind ends the connection with 1008, which lets it come back")
    func tenMalformed() throws {
        let client = try Cluster().connect()
        for _ in 0..<9 { client.send("null") }
        #expect(client.closes.isEmpty)
        client.send("null")
        #expect(client.closes.map(\.code) == [1008])
        #expect(client.takeEvents().count == 10)
        client.send("null")
        #expect(client.take().isEmpty)
    }

    @Test(
        "Row 106: wrong types and missing members get an error each",
        arguments: [
            #"{"event":"pusher:subscribe"}"#, #"{"event":"pusher:subscribe","data":1}"#,
            #"{"event":"pusher:subscribe","data":null}"#, #"{"event":"pusher:subscribe","data":[]}"#,
            #"{"event":"pusher:subscribe","data":{}}"#, #"{"event":"pusher:subscribe","data":{"channel":1}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"private-a","auth":1}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"private-a","auth":{"a":"b"}}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"presence-a","channel_data":{"user_id":"1"}}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"a","recover":true}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"a","recover":"x"}}"#,
            #"{"event":"pusher:subscribe","data":"{"}"#, #"{"event":"pusher:unsubscribe"}"#,
            #"{"event":"pusher:unsubscribe","data":{"channel":[]}}"#, #"{"event":"pusher:signin"}"#,
            #"{"event":"pusher:signin","data":{"auth":"a"}}"#,
            #"{"event":"pusher:signin","data":{"auth":"a","user_data":{"id":"1"}}}"#,
            #"{"event":"client-a","data":{}}"#, #"{"event":"client-a","channel":{},"data":{}}"#,
        ])
    func wrongTypes(text: String) throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        let client = try cluster.connect()
        client.send(text)
        cluster.drain()
        #expect(client.takeEvents() == ["pusher:error"])
        #expect(client.closes.isEmpty)
        #expect(try cluster.app.hub.channelCount == 0)
    }

    @Test("Row 107: a message that is nested too deep is an error, with its data as an object and as a string")
    func deep() throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        let client = try cluster.connect()
        client.subscribe("private-a")
        cluster.drain()
        _ = client.take()
        for depth in [32, 160, 511, 20_000] {
            let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            client.say(nested, to: "private-a")
            #expect(client.takeEvents() == ["pusher:error"])
            client.send(#"{"event":"pusher:subscribe","data":\#(json("{\"channel\":\"a\",\"x\":" + nested + "}"))}"#)
            #expect(client.takeEvents() == ["pusher:error"])
        }
        client.say(String(repeating: "[", count: 31) + String(repeating: "]", count: 31), to: "private-a")
        #expect(client.take().isEmpty)
    }

    @Test("Row 109: of members that come twice the last counts, and half a surrogate pair is an error")
    func duplicates() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.send(
            #"{"event":"pusher:ping","event":"pusher:subscribe","data":{"channel":"b","channel":"a"},"#
                + #""data":{"channel":"c","channel":"d"}}"#)
        cluster.drain()
        #expect(client.take().map(\.channel) == ["d"])
        client.send(#"{"event":"pusher:ping","data":"\ud800"}"#)
        #expect(client.takeEvents() == ["pusher:error"])
    }

    @Test("Data of pusher: events may be a string that has the object in it")
    func stringData() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.send(#"{"event":"pusher:subscribe","data":"{\"channel\":\"room\",\"auth\":\"\"}"}"#)
        cluster.drain()
        #expect(client.take().map(\.channel) == ["room"])
        client.send(#"{"event":"pusher:unsubscribe","data":"{\"channel\":\"room\"}"}"#)
        #expect(try cluster.app.hub.channelCount == 0)
    }

    @Test("An event that no client may send is an error, one of the protocol's that is not known is ignored")
    func otherEvents() throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        let client = try cluster.connect()
        let other = try cluster.connect()
        for each in [client, other] { each.join("presence-a", as: #""\#(each === client ? "anna" : "ben")""#) }
        cluster.drain()
        for each in [client, other] { _ = each.take() }
        for event in ["said", "pusher_internal:member_added", "client-", "Client-a", "parley:position", ""] {
            client.say("{}", event: event, to: "presence-a")
            #expect(client.take().map(\.code) == [4301])
        }
        client.say("{}", event: "pusher:unheard_of", to: "presence-a")
        client.say("{}", event: "pusher:subscription_error", to: "presence-a")
        cluster.drain()
        #expect(client.take().isEmpty)
        #expect(other.take().isEmpty)
        #expect(client.closes.isEmpty)
    }

    @Test("Row 81: a binary message ends the connection with 1003")
    func binary() throws {
        let client = try Cluster().connect()
        client.received(.binary, Array(#"{"event":"pusher:ping"}"#.utf8).span.bytes)
        #expect(client.closes.map(\.code) == [1003])
    }

    @Test("Row 112: a client that sends too much for too long is told so, and comes back after a second")
    func rate() throws {
        let client = try Cluster().connect()
        client.rateExceeded()
        client.rateExceeded()
        #expect(client.take().map(\.code) == [4100])
        #expect(client.closes.map(\.code) == [4100])
    }

    @Test("Subscribing, unsubscribing and signing in count as no messages, up to what the channels need")
    func freeCommands() throws {
        let cluster = Cluster { $0.limits.channelsPerConnection = 90 }
        let client = try cluster.connect()
        for index in 0..<90 { client.subscribe("a\(index)") }
        client.signIn(#"{"id":"7"}"#)
        for index in 0..<90 { client.unsubscribe("a\(index)") }
        #expect(client.forgiven == 181)
        cluster.drain()
        // Again and again the same: it counts, and is answered.
        for _ in 0..<50 { client.subscribe("a") }
        client.send(#"{"event":"pusher:ping"}"#)
        #expect(client.forgiven == 181)
        _ = client.take()
        cluster.pass(60_000)
        for index in 0..<90 { client.subscribe("b\(index)") }
        #expect(client.forgiven == 271)
    }

    @Test("A client that is silent is asked; one that answers is alive by its messages only from then on")
    func silence() throws {
        let client = try Cluster().connect()
        client.peerIsSilent()
        #expect(client.takeTexts() == [#"{"event":"pusher:ping","data":"{}"}"#])
        client.send(#"{"event":"pusher:ping","data":{}}"#)
        #expect(client.requirements == 0)
        client.send(#"{"event":"pusher:pong","data":{}}"#)
        #expect(client.requirements == 1 && client.takeEvents() == ["pusher:pong"])
        client.closed()
        client.peerIsSilent()
        #expect(client.take().isEmpty)
    }

    @Test("Row 112: a thousand subscribes and unsubscribes leave the state as it should be")
    func churn() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        for index in 0..<1_000 {
            client.subscribe("a\(index % 7)")
            if index % 3 == 0 { cluster.drain() }
            client.unsubscribe("a\(index % 7)")
        }
        cluster.drain()
        _ = client.take()
        #expect(try cluster.app.hub.channelCount == 0)
        client.subscribe("a1")
        cluster.drain()
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"])
        try cluster.publish("x", to: "a1")
        try cluster.publish("x", to: "a2")
        cluster.drain()
        #expect(client.take().map(\.channel) == ["a1"])
    }

    @Test("Random bytes and damaged messages never do anything but errors", arguments: 0..<10)
    func fuzz(seed: Int) throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        var generator = SeededGenerator(seed: UInt64(seed))
        let samples = [
            #"{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"key-1:00","channel_data":"{\"user_id\":1}"}}"#,
            #"{"event":"client-x","channel":"private-a","data":{"a":[1,2,"\u00e9"]}}"#,
            #"{"event":"pusher:signin","data":{"auth":"key-1:00","user_data":"{\"id\":\"anna\"}"}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"a","recover":{"epoch":"aaaaaaaaaaaaa","offset":7}}}"#,
        ].map { Array($0.utf8) }
        var client = try cluster.connect()
        for _ in 0..<2_000 {
            var bytes = samples.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0x20..<0x7F, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0x20..<0x7F, using: &generator), at: index)
                }
            }
            client.received(.text, bytes.span.bytes)
            cluster.drain()
            for message in client.take() {
                // A damaged prefix may make the channel one that is open to everybody.
                let isOpen = message.channel.flatMap { PusherChannelKind(Array($0.utf8)) }?.access == .open
                let isAnswer = ["pusher:error", "pusher:subscription_error"].contains(message.event) || isOpen
                #expect(isAnswer, "\(String(decoding: bytes, as: UTF8.self)) \(message)")
            }
            if !client.closes.isEmpty {
                client.closed()
                client = try cluster.connect()
            }
        }
    }
}
