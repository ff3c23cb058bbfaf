import Channels
import PusherProtocol
import Testing

@Suite("Client events (pusher-protocol §5.4, row 118)", .timeLimit(.minutes(5)))
struct ClientEventTests {
    private static func pair(
        _ channel: String, _ change: @escaping (inout PusherApp) -> Void = { $0.allowsClientEvents = true }
    ) throws -> (Cluster, Client, Client) {
        let cluster = Cluster(nodes: 2, change)
        let first = try cluster.connect()
        let second = try cluster.connect(node: 1)
        for (client, user) in [(first, "anna"), (second, "ben")] {
            if channel.hasPrefix("presence-") {
                client.join(channel, as: json(user))
            } else {
                client.subscribe(channel)
            }
        }
        cluster.drain()
        _ = (first.take(), second.take(), cluster.takeHappenings())
        return (cluster, first, second)
    }

    @Test("They reach the others on all nodes, never the sender, and have no position and no memory")
    func delivered() throws {
        let (cluster, first, second) = try Self.pair("private-room")
        let third = try cluster.connect(loop: 1)
        third.subscribe("private-room", recover: "{}")
        cluster.drain()
        let top = try #require(third.take().first?.offset)
        first.say(#"{"x":1}"#, to: "private-room")
        cluster.drain()
        #expect(first.take().isEmpty)
        #expect(second.takeTexts() == [#"{"event":"client-said","channel":"private-room","data":{"x":1}}"#])
        #expect(third.takeTexts() == [#"{"event":"client-said","channel":"private-room","data":{"x":1}}"#])
        let fourth = try cluster.connect()
        fourth.subscribe("private-room", recover: "{}")
        cluster.drain()
        #expect(fourth.take().first?.offset == top)
    }

    @Test(
        "The data goes on as it came: a string as that string, anything else in the same bytes",
        arguments: [
            (#"{ "a": 1.50, "b" :"\u00e9","a":2 }"#, #"{ "a": 1.50, "b" :"\u00e9","a":2 }"#), ("[1,2]", "[1,2]"),
            ("1e999999", "1e999999"), ("null", "null"), ("true", "true"), (#""text""#, #""text""#),
            (#""{\"a\":1}""#, #""{\"a\":1}""#), (#""\u0041\/""#, #""A/""#), (#""\u0000""#, #""\u0000""#),
        ])
    func data(sent: String, received: String) throws {
        let (cluster, first, second) = try Self.pair("private-room")
        first.say(sent, to: "private-room")
        cluster.drain()
        #expect(second.takeTexts() == [#"{"event":"client-said","channel":"private-room","data":\#(received)}"#])
    }

    @Test("Without data they have none")
    func noData() throws {
        let (cluster, first, second) = try Self.pair("private-room")
        first.send(#"{"event":"client-said","channel":"private-room"}"#)
        cluster.drain()
        #expect(second.takeTexts() == [#"{"event":"client-said","channel":"private-room"}"#])
    }

    @Test("Trap 5: on presence channels the sender's user_id is added, the signed one and no other")
    func userID() throws {
        let (cluster, first, second) = try Self.pair("presence-room")
        first.send(#"{"event":"client-said","channel":"presence-room","data":{"user_id":"ben"},"user_id":"ben"}"#)
        cluster.drain()
        let message = try #require(second.take().first)
        #expect(message.userID == "anna")
        #expect(message.object?["user_id"] as? String == "ben")
        // On other channels there is no user.
        let (others, sender, receiver) = try Self.pair("private-room")
        sender.send(#"{"event":"client-said","channel":"private-room","data":{},"user_id":"ben"}"#)
        others.drain()
        #expect(receiver.take().map(\.names) == [["event", "channel", "data"]])
    }

    @Test("They are refused where the app has not switched them on")
    func switchedOff() throws {
        let (cluster, first, second) = try Self.pair("private-room") { _ in }
        first.say("{}", to: "private-room")
        cluster.drain()
        #expect(first.take().map(\.code) == [4301])
        #expect(second.take().isEmpty)
        #expect(first.closes.isEmpty)
    }

    @Test(
        "They are refused on public and encrypted channels, and everywhere the sender is not subscribed",
        arguments: ["room", "cache-room", "private-encrypted-room", "#server-to-user-anna"])
    func channels(channel: String) throws {
        let (cluster, first, second) = try Self.pair(channel)
        for target in [channel, "private-elsewhere", "no such name", ""] {
            first.say("{}", to: target)
            cluster.drain()
            #expect(first.take().map(\.code) == [4301])
        }
        #expect(second.take().isEmpty)
        #expect(cluster.takeHappenings().isEmpty)
    }

    @Test("After an unsubscribe, and before the success, they are refused, too")
    func notSubscribed() throws {
        let (cluster, first, second) = try Self.pair("private-room")
        first.unsubscribe("private-room")
        first.say("{}", to: "private-room")
        first.join("presence-room", as: #""anna""#)
        first.say("{}", to: "presence-room")
        cluster.drain()
        #expect(first.take().map(\.code) == [4301, 4301, nil])
        #expect(second.take().isEmpty)
    }

    @Test("Data of 11 KB and names of more than 200 bytes are refused, the largest allowed ones are not")
    func sizes() throws {
        let (cluster, first, second) = try Self.pair("private-room")
        for (count, isAllowed) in [(10_240, true), (10_241, false), (11_000, false)] {
            first.say(#""\#(String(repeating: "a", count: count))""#, to: "private-room")
            first.say("[" + String(repeating: " ", count: count - 2) + "]", to: "private-room")
            cluster.drain()
            #expect(first.take().map(\.code) == (isAllowed ? [] : [4301, 4301]))
            #expect(second.take().count == (isAllowed ? 2 : 0))
        }
        let prefix = "client-"
        first.say("1", event: prefix + String(repeating: "a", count: 193), to: "private-room")
        first.say("2", event: prefix + String(repeating: "a", count: 194), to: "private-room")
        first.say("3", event: prefix + "a\nb", to: "private-room")
        cluster.drain()
        #expect(first.take().map(\.code) == [4301, 4301])
        #expect(second.take().count == 1)
    }

    @Test(
        "More than ten a second are refused with 4301, a second later there are ten more, and others have their own ten"
    )
    func rate() throws {
        let (cluster, first, second) = try Self.pair("private-room")
        for _ in 0..<12 { first.say("1", to: "private-room") }
        second.say("2", to: "private-room")
        cluster.drain()
        #expect(first.take().map(\.event) == ["pusher:error", "pusher:error", "client-said"])
        #expect(second.take().count == 10)
        #expect(first.closes.isEmpty)
        cluster.pass(1_000)
        for _ in 0..<12 { first.say("1", to: "private-room") }
        cluster.drain()
        #expect(first.take().map(\.code) == [4301, 4301])
        #expect(second.take().count == 10)
    }

    @Test("Back ends are told, with the sender's connection and user")
    func happenings() throws {
        let (cluster, first, _) = try Self.pair("presence-room")
        first.say(#"{"x":1}"#, to: "presence-room")
        let event = PusherEvent(name: Array("client-said".utf8), payload: .json(Array(#"{"x":1}"#.utf8)))
        let publication = event.publication(sender: Array("anna".utf8), excluded: first.socketID)
        #expect(
            cluster.takeHappenings() == [
                Cluster.Happening(
                    app: "1", channel: "presence-room", event: .clientEvent(publication, from: first.socketID))
            ])
    }
}
