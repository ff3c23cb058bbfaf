import Channels
import PusherProtocol
import Testing

@Suite("Cache channels (pusher-protocol §5.5)", .timeLimit(.minutes(5)))
struct CacheChannelTests {
    @Test(
        "A newcomer gets the newest event right after the success, and before what is live",
        arguments: ["cache-room", "private-cache-room", "private-encrypted-cache-room", "presence-cache-room"])
    func newest(channel: String) throws {
        let cluster = Cluster(nodes: 2)
        try cluster.publish("old", to: channel)
        try cluster.publish("new", event: "latest", to: channel, node: 1)
        let client = try cluster.connect()
        client.subscribe(channel, data: channel.hasPrefix("presence-") ? #"{"user_id":"anna"}"# : nil)
        cluster.drain()
        try cluster.publish("live", to: channel)
        cluster.drain()
        let messages = client.take()
        #expect(messages.map(\.event) == ["pusher_internal:subscription_succeeded", "latest", "said"])
        #expect(messages.map(\.data).suffix(2) == ["new", "live"])
        #expect(messages[1].names == ["event", "channel", "data"])
    }

    @Test("Without one there is a cache miss, which back ends are told, but not for each newcomer")
    func miss() throws {
        let cluster = Cluster()
        func subscribe() throws -> [String] {
            let client = try cluster.connect()
            client.subscribe("cache-room")
            cluster.drain()
            return client.takeTexts()
        }
        let texts = try subscribe()
        #expect(texts.last == #"{"event":"pusher:cache_miss","channel":"cache-room","data":"{}"}"#)
        #expect(texts.count == 2)
        #expect(try subscribe().count == 2)
        func misses() -> Int { cluster.takeHappenings().filter { $0.event == .cacheMiss }.count }
        #expect(misses() == 1)
        cluster.pass(9_999)
        cluster.tick()
        _ = try subscribe()
        #expect(misses() == 0)
        cluster.pass(1)
        cluster.tick()
        _ = try subscribe()
        #expect(misses() == 1)
    }

    @Test("The newest event is kept for half an hour, also where histories are shorter, and then no more")
    func halfAnHour() throws {
        let cluster = Cluster { $0.retention = Retention(publications: 0, milliseconds: 1_000) }
        try cluster.publish("x", to: "cache-room")
        for (milliseconds, event) in [(1_799_000, "said"), (2_000, "pusher:cache_miss")] {
            cluster.pass(UInt64(milliseconds))
            cluster.tick()
            let client = try cluster.connect()
            client.subscribe("cache-room")
            cluster.drain()
            #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded", event])
        }
    }

    @Test("Client events are not kept, other channels show nothing, and who has recovered gets nothing twice")
    func others() throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        let client = try cluster.connect()
        client.subscribe("private-cache-room", recover: "{}")
        client.subscribe("room")
        cluster.drain()
        let start = try #require(client.take().first { $0.channel == "private-cache-room" })
        client.say("{}", to: "private-cache-room")
        let second = try cluster.connect()
        second.subscribe("private-cache-room")
        try cluster.publish("x", to: "room")
        second.subscribe("room")
        cluster.drain()
        #expect(
            Set(second.takeEvents()) == ["pusher_internal:subscription_succeeded", "pusher:cache_miss"])
        try cluster.publish("1", to: "private-cache-room")
        let third = try cluster.connect()
        let (epoch, offset) = (try #require(start.epoch), try #require(start.offset))
        third.subscribe("private-cache-room", recover: #"{"epoch":"\#(epoch)","offset":\#(offset)}"#)
        cluster.drain()
        let messages = third.take()
        #expect(messages.map(\.event) == ["pusher_internal:subscription_succeeded", "said"])
        #expect(messages.last?.offset == offset + 1)
        third.unsubscribe("private-cache-room")
        third.subscribe("private-cache-room", recover: #"{"epoch":"\#(epoch)","offset":\#(offset + 1)}"#)
        cluster.drain()
        #expect(third.takeEvents() == ["pusher_internal:subscription_succeeded"])
    }

    @Test("Who could not recover gets the newest event, since it has lost it")
    func lost() throws {
        let cluster = Cluster()
        try cluster.publish("1", to: "cache-room")
        let client = try cluster.connect()
        client.subscribe("cache-room", recover: #"{"epoch":"aaaaaaaaaaaaa","offset":1}"#)
        cluster.drain()
        let messages = client.take()
        #expect(messages.map(\.event) == ["pusher_internal:subscription_succeeded", "said"])
        #expect(messages.first?.recovered == false)
        #expect(messages.last?.offset == nil)
    }
}
