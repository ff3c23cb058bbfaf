import Channels
import Testing

@testable import PusherProtocol

/// Half a surrogate pair is what a browser's `JSON.stringify` writes for a string that was cut within a character.
@Suite("Half a surrogate pair", .timeLimit(.minutes(5)))
struct LoneSurrogateTests {
    private static let halves = [
        #"\ud800"#, #"\uDC00"#, #"\ud83d\n"#, #"\ud800\ud800"#, #"\ud800\u0041"#, #"\udc00\ud800"#, #"x\uDbFfy"#,
    ]

    private static func read(_ text: [UInt8]) throws -> JSONValue {
        try EnvelopeReader.readWithLoneSurrogates(text.span.bytes).value
    }

    @Test("Where it is allowed it has bytes but stands for no text, and equals no name", arguments: halves)
    func reader(half: String) throws {
        let string = Array(#""\#(half)""#.utf8)
        let value = try Self.read(string)
        let text = EnvelopeReader.string(value, in: string.span.bytes)
        let raw = EnvelopeReader.raw(value, in: string.span.bytes)
        let isName = EnvelopeReader.matches(value, "\u{FFFD}", in: string.span.bytes)
        #expect(text == nil && raw == string && !isName)
        let object = Array(#"{"\#(half)":1,"a":2}"#.utf8)
        let members = try Self.read(object)
        let replaced = EnvelopeReader.member("\u{FFFD}", of: members, in: object.span.bytes)
        let other = EnvelopeReader.member("a", of: members, in: object.span.bytes)
        #expect(replaced == nil && other != nil)
        #expect(throws: EnvelopeError.self) { try EnvelopeReader.read(string.span.bytes) }
    }

    @Test("Half an escape is no JSON, allowed or not", arguments: [#""\ud83d\ude0""#, #""\ud83d\u""#, #""\ud8""#])
    func halfEscapes(text: String) { #expect(throws: EnvelopeError.self) { try Self.read(Array(text.utf8)) } }

    @Test("Whole pairs next to it are read as ever")
    func wholePairs() throws {
        let text = Array(#"["\ud83d\ude00","\ud800\udc00\udbff\udfff"]"#.utf8)
        var elements = JSONElements(of: try Self.read(text))
        var strings: [[UInt8]?] = []
        while let element = elements.next(in: text.span.bytes) {
            strings.append(EnvelopeReader.string(element, in: text.span.bytes))
        }
        #expect(strings == [Array("\u{1F600}".utf8), Array("\u{10000}\u{10FFFF}".utf8)])
    }

    @Test("In the data of a client event it travels as it was written", arguments: halves)
    func clientEvent(half: String) throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        let (sender, receiver) = (try cluster.connect(), try cluster.connect())
        for client in [sender, receiver] { client.subscribe("private-room") }
        cluster.drain()
        _ = sender.take()
        _ = receiver.take()
        for data in [#""\#(half)""#, #"{"\#(half)":["\#(half)"]}"#] {
            sender.send(#"{"event":"client-a","channel":"private-room","data":\#(data)}"#)
            cluster.drain()
            #expect(receiver.takeTexts() == [#"{"event":"client-a","channel":"private-room","data":\#(data)}"#])
        }
        #expect(sender.take().isEmpty)
    }

    @Test("In the data of a publish it travels as it was written: live, from a cache, and in the history")
    func publish() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "cache-c")
        let event = #"{"name":"n","channel":"cache-c","data":"\ud800\/\u0041"}"#
        #expect(server.post("/apps/3/events", event).status == 200)
        #expect(server.post("/apps/3/batch_events", #"{"batch":[\#(event)]}"#).status == 200)
        server.shard.drain()
        let pushed = #"{"event":"n","channel":"cache-c","data":"\ud800\/\u0041"}"#
        #expect(listener.take() == [pushed, pushed])
        let cached = server.get("/apps/3/channels/cache-c", query: "info=cache")
        #expect(cached.body.contains(#""cache":{"data":"\ud800\/\u0041","#))
        let history = server.get("/apps/3/channels/cache-c/history")
        #expect(history.body.contains(#""events":[{"offset":1,"event":"n","data":"\ud800\/\u0041"}"#))
    }

    @Test(
        "In what a publish names it is 400",
        arguments: [
            #"{"name":"\ud800","channel":"c","data":""}"#, #"{"name":"n","channel":"\ud800","data":""}"#,
            #"{"name":"n","channels":["c","\ud800"],"data":""}"#,
            #"{"name":"n","channel":"c","data":"","info":"\ud800"}"#,
            #"{"name":"n","channel":"c","data":"","socket_id":"\ud8001.2"}"#,
            #"{"name":"n","channel":"c","\ud800":""}"#,
        ])
    func names(body: String) {
        let server = APIServer()
        #expect(server.post("/apps/3/events", body).status == 400)
        #expect(server.post("/apps/3/batch_events", #"{"batch":[\#(body)]}"#).status == 400)
    }

    @Test(
        "Anywhere else in a message it is answered, and costs nobody the connection",
        arguments: [
            #"{"event":"pusher:ping","data":"\ud800"}"#, #"{"\ud800":1,"event":"pusher:ping","data":{}}"#,
            #"{"event":"client-a","channel":"private-a","\udc00":1,"data":"\udc00"}"#,
            #"{"event":"client-a","channel":"private-a","data":"\udc00","x":"\udc00"}"#,
            #"{"event":"client-a","channel":"private-a","data":"\udc00","data":"x"}"#,
            #"{"event":"\ud800","data":{}}"#, #"{"event":"client-\ud800","channel":"private-a","data":1}"#,
            #"{"event":"client-a","channel":"private-\ud800","data":1}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"\ud800"}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"private-a","auth":"\ud800"}}"#,
            #"{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"k:0","channel_data":"\ud800"}}"#,
            #"{"event":"pusher:subscribe","data":"\ud800"}"#,
            #"{"event":"pusher:subscribe","data":"{\"channel\":\"\\ud800\"}"}"#,
            #"{"event":"pusher:unsubscribe","data":{"channel":"\ud800"}}"#,
            #"{"event":"pusher:signin","data":{"auth":"\ud800","user_data":"{}"}}"#,
            #"{"event":"pusher:signin","data":{"auth":"k:0","user_data":"\ud800"}}"#,
        ])
    func refused(message: String) throws {
        let client = try Cluster().connect()
        for _ in 0..<50 {
            client.send(message)
            let answers = client.take()
            #expect(answers.map(\.event) == ["pusher:error"])
            #expect(answers.first?.code == nil)
        }
        #expect(client.closes.isEmpty)
    }

    @Test("A subscription that was signed with it is refused on its channel")
    func signed() throws {
        let client = try Cluster().connect()
        let data = #"{"user_id":"a","user_info":"\ud800"}"#
        client.subscribe("presence-a", data: data, auth: client.auth("presence-a", data: data))
        let answers = client.take()
        #expect(answers.map(\.channel) == ["presence-a"])
        #expect(answers.map(\.status) == [400])
        client.signIn(#"{"id":"\ud800"}"#)
        client.signIn(#"{"id":"a","user_info":"\ud800"}"#)
        #expect(client.take().map(\.code) == [4009, 4009])
        #expect(client.closes.isEmpty)
    }
}
