import Channels
import PusherProtocol
import Testing

@Suite("The resume extension (delivery.md)", .timeLimit(.minutes(5)))
struct ResumeTests {
    private static func position(_ epoch: String?, _ offset: Int?) throws -> String {
        #"{"epoch":"\#(try #require(epoch))","offset":\#(try #require(offset))}"#
    }

    @Test("Who does not ask sees exactly the Pusher protocol")
    func notAsked() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("room")
        client.subscribe("other", recover: "null")
        cluster.drain()
        try cluster.publish("x", to: "room")
        try cluster.publish("x", to: "room", excluded: client.socketID)
        cluster.drain()
        let messages = client.take()
        #expect(
            messages.map(\.event) == [
                "pusher_internal:subscription_succeeded", "pusher_internal:subscription_succeeded", "said",
            ])
        #expect(messages.allSatisfy { $0.names == ["event", "channel", "data"] })
    }

    @Test("An empty recover tells where here is, and the position of everything from then on")
    func here() throws {
        let cluster = Cluster()
        let kept = try cluster.publish("before", to: "room")
        let client = try cluster.connect()
        client.subscribe("room", recover: "{}")
        cluster.drain()
        let start = try #require(client.take().first)
        #expect(start.data == "{}")
        #expect(start.epoch == String(decoding: kept.epoch.text, as: UTF8.self))
        #expect(start.offset == 1)
        #expect(start.recovered == true)
        #expect(!start.names.contains("gap"))
        try cluster.publish("a", to: "room")
        try cluster.publish("b", to: "room")
        cluster.drain()
        let messages = client.take()
        #expect(messages.map(\.offset) == [2, 3])
        #expect(messages.allSatisfy { $0.epoch == start.epoch })
    }

    @Test("What was missed follows the answer, in order and once, and what is live follows that")
    func recovered() throws {
        let cluster = Cluster(nodes: 2)
        let client = try cluster.connect()
        client.subscribe("room", recover: "{}")
        cluster.drain()
        let start = try #require(client.take().first)
        client.closed()
        for index in 1...50 { try cluster.publish("\(index)", to: "room", node: index % 2) }
        let back = try cluster.connect(node: 1, loop: 1)
        back.subscribe("room", recover: try Self.position(start.epoch, start.offset))
        try cluster.publish("51", to: "room")
        cluster.drain()
        try cluster.publish("52", to: "room")
        cluster.drain()
        let messages = back.take()
        #expect(messages.first?.recovered == true)
        #expect(messages.first.flatMap(\.offset).map { (50...51).contains($0) } == true)
        #expect(messages.dropFirst().map(\.data) == (1...52).map { "\($0)" })
        #expect(messages.dropFirst().map(\.offset) == Array(1...52))
    }

    @Test("A client that has never received an event recovers from the position of its first answer")
    func neverReceived() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("room", recover: "{}")
        cluster.drain()
        let start = try #require(client.take().first)
        #expect(start.offset == 0)
        client.closed()
        try cluster.publish("1", to: "room")
        let back = try cluster.connect()
        back.subscribe("room", recover: try Self.position(start.epoch, 0))
        cluster.drain()
        #expect(back.take().map(\.data) == ["{}", "1"])
    }

    @Test("What is not kept any more is a gap, exactly, and nothing of it is delivered")
    func gap() throws {
        let cluster = Cluster { $0.retention.publications = 3 }
        let client = try cluster.connect()
        client.subscribe("room", recover: "{}")
        cluster.drain()
        let start = try #require(client.take().first)
        for index in 1...10 { try cluster.publish("\(index)", to: "room") }
        cluster.drain()
        let back = try cluster.connect()
        back.subscribe("room", recover: try Self.position(start.epoch, 2))
        cluster.drain()
        let answer = back.take()
        #expect(answer.count == 1)
        #expect(answer.first?.recovered == false)
        #expect(answer.first?.gap == ["from": 3, "to": 10, "oldest": 8])
        #expect(answer.first?.offset == 10)
        try cluster.publish("11", to: "room")
        cluster.drain()
        #expect(back.take().map(\.offset) == [11])
        // The last one that can be bridged.
        let other = try cluster.connect()
        other.subscribe("room", recover: try Self.position(start.epoch, 8))
        cluster.drain()
        #expect(other.take().map(\.data) == ["{}", "9", "10", "11"])
    }

    @Test(
        "Row 174: a position that no log has is an answer without recovery and without a gap, and then what is live",
        arguments: [
            #"{"epoch":"","offset":1}"#, #"{"epoch":"E"}"#, #"{"offset":1}"#, #"{"epoch":"E","offset":99}"#,
            #"{"epoch":"E","offset":-1}"#, #"{"epoch":"E","offset":18446744073709551615}"#,
            #"{"epoch":"E","offset":1e1}"#, #"{"epoch":"E","offset":1.5}"#, #"{"epoch":"E","offset":"1"}"#,
            #"{"epoch":"E","offset":null}"#, #"{"epoch":1,"offset":1}"#, #"{"epoch":"aaaaaaaaaaaaa","offset":1}"#,
            #"{"epoch":"Eaa","offset":1}"#, #"{"epoch":null,"offset":null}"#, #"{"epoch":"OTHER","offset":1}"#,
        ])
    func noPosition(recover: String) throws {
        let cluster = Cluster()
        let top = try cluster.publish("1", to: "room")
        let other = try cluster.publish("1", to: "other")
        let epoch = String(decoding: top.epoch.text, as: UTF8.self)
        let client = try cluster.connect()
        let recover = recover.replacing(#""E""#, with: json(epoch))
            .replacing("OTHER", with: String(decoding: other.epoch.text, as: UTF8.self))
        client.subscribe("room", recover: recover)
        cluster.drain()
        let answer = client.take()
        #expect(answer.count == 1)
        #expect(answer.first?.recovered == false)
        #expect(answer.first?.isGapNull == true)
        #expect(answer.first?.epoch == epoch)
        #expect(answer.first?.offset == 1)
        try cluster.publish("2", to: "room")
        cluster.drain()
        #expect(client.take().map(\.offset) == [2])
    }

    @Test("Who is left out of a publication is told its position, so that its positions have no holes")
    func excluded() throws {
        let cluster = Cluster(nodes: 2)
        let client = try cluster.connect()
        let other = try cluster.connect(node: 1)
        for each in [client, other] { each.subscribe("room", recover: "{}") }
        cluster.drain()
        let epoch = try #require(client.take().first?.epoch)
        _ = other.take()
        try cluster.publish("1", to: "room", node: 1, excluded: client.socketID)
        try cluster.publish("2", to: "room")
        cluster.drain()
        let texts = client.takeTexts()
        #expect(texts.first == #"{"event":"parley:position","channel":"room","epoch":"\#(epoch)","offset":1}"#)
        #expect(texts.dropFirst().map { Message($0).offset } == [2])
        #expect(other.take().map(\.offset) == [1, 2])
    }

    @Test("Joins, counts, client events and the cache event have no position")
    func unpositioned() throws {
        let cluster = Cluster {
            $0.allowsClientEvents = true
            $0.tellsSubscriptionCounts = true
        }
        let client = try cluster.connect()
        client.subscribe("presence-room", data: #"{"user_id":"anna"}"#, recover: "{}")
        client.subscribe("private-room", recover: "{}")
        cluster.drain()
        _ = client.take()
        let other = try cluster.connect()
        other.join("presence-room", as: #""ben""#)
        other.subscribe("private-room")
        cluster.drain()
        other.say("{}", to: "private-room")
        other.closed()
        cluster.drain()
        let messages = client.take()
        #expect(
            Set(messages.map(\.event)) == [
                "pusher_internal:member_added", "pusher_internal:member_removed", "pusher_internal:subscription_count",
                "client-said",
            ])
        #expect(messages.allSatisfy { $0.offset == nil && $0.epoch == nil })
    }

    @Test("A presence channel recovers, too: its answer has who is present and where it goes on")
    func presence() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("presence-room", data: #"{"user_id":"anna"}"#, recover: "{}")
        cluster.drain()
        let start = try #require(client.take().first)
        client.closed()
        try cluster.publish("1", to: "presence-room")
        let back = try cluster.connect()
        back.subscribe(
            "presence-room", data: #"{"user_id":"anna"}"#, recover: try Self.position(start.epoch, start.offset))
        cluster.drain()
        let messages = back.take()
        #expect(messages.map(\.event) == ["pusher_internal:subscription_succeeded", "said"])
        #expect(messages.first?.presence?.ids == ["anna"])
        #expect(messages.first?.recovered == true)
    }

    @Test("I10: a resumed subscription needs its right again")
    func rights() throws {
        let cluster = Cluster()
        let top = try cluster.publish("secret", to: "private-room")
        let client = try cluster.connect()
        let epoch = String(decoding: top.epoch.text, as: UTF8.self)
        client.subscribe("private-room", recover: try Self.position(epoch, 0), auth: "")
        cluster.drain()
        #expect(client.take().map(\.status) == [401])
    }

    @Test("A second subscribe with a position is answered from there, and everything comes once")
    func again() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("room", recover: "{}")
        cluster.drain()
        let start = try #require(client.take().first)
        for index in 1...4 { try cluster.publish("\(index)", to: "room") }
        cluster.drain()
        _ = client.take()
        client.subscribe("room", recover: try Self.position(start.epoch, 2))
        try cluster.publish("5", to: "room")
        cluster.drain()
        try cluster.publish("6", to: "room")
        cluster.drain()
        let messages = client.take()
        #expect(messages.first?.recovered == true)
        #expect(messages.dropFirst().map(\.offset) == [3, 4, 5, 6])
    }

    @Test("A replay waits while the connection takes no more, and goes on when it does")
    func slowReader() throws {
        let cluster = Cluster { $0.retention.publications = 1_000 }
        let top = try cluster.publish("1", to: "room")
        for index in 2...700 { try cluster.publish("\(index)", to: "room") }
        let client = try cluster.connect()
        client.capacity = 200
        client.subscribe("room", recover: try Self.position(String(decoding: top.epoch.text, as: UTF8.self), 0))
        cluster.drain()
        var offsets: [Int?] = []
        for _ in 0..<2 {
            let messages = client.take()
            #expect(messages.count == 200)
            offsets += messages.map(\.offset)
            cluster.drain()
            #expect(client.take().isEmpty)
            client.becameWritable()
            cluster.drain()
        }
        client.capacity = .max
        client.becameWritable()
        cluster.drain()
        offsets += client.take().map(\.offset)
        #expect(offsets == [700] + Array(1...700))
    }

    @Test("A replay whose rest is trimmed meanwhile ends the connection with 4200: it comes back and is told the gap")
    func trimmed() throws {
        let cluster = Cluster { $0.retention.publications = 400 }
        let top = try cluster.publish("1", to: "room")
        for index in 2...400 { try cluster.publish("\(index)", to: "room") }
        let client = try cluster.connect()
        client.capacity = 200
        client.subscribe("room", recover: try Self.position(String(decoding: top.epoch.text, as: UTF8.self), 0))
        cluster.drain()
        #expect(client.take().count == 200)
        for index in 0..<400 { try cluster.publish("more \(index)", to: "room") }
        client.becameWritable()
        cluster.drain()
        #expect(client.closes.map(\.code) == [4200])
        #expect(client.take().map(\.event) == ["pusher:error"])
    }

    @Test("A publication is encoded at most twice for those who listen, with positions and without")
    func encodings() throws {
        let cluster = Cluster()
        for index in 0..<20 {
            let client = try cluster.connect(loop: index % 2)
            client.subscribe("room", recover: index % 3 == 0 ? "{}" : nil)
        }
        cluster.drain()
        let before = try cluster.app.encoder.encodedCount
        try cluster.publish("x", to: "room")
        cluster.drain()
        #expect(try cluster.app.encoder.encodedCount == before + 2)
    }
}
