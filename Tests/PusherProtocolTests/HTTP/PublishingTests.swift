import Channels
import PusherProtocol
import Testing

@Suite("Publishing over HTTP", .timeLimit(.minutes(5)))
struct PublishingTests {
    private func event(_ members: String) -> String { "{\(members)}" }

    @Test("Section 7: an event goes to all its channels, and the answer is {}")
    func several() throws {
        let server = APIServer()
        let (one, _) = try server.listener(in: "one")
        let (two, _) = try server.listener(in: "private-two")
        let answer = server.post(
            "/apps/3/events", #"{"name":"n","data":"d","channels":["one","private-two"]}"#)
        #expect(answer.description == "200 {}")
        server.shard.drain()
        #expect(one.take() == [#"{"event":"n","channel":"one","data":"d"}"#])
        #expect(two.take() == [#"{"event":"n","channel":"private-two","data":"d"}"#])
    }

    @Test("PHP's channel and Python's channels mean the same")
    func channelOrChannels() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        #expect(server.post("/apps/3/events", #"{"name":"n","data":"d","channel":"c"}"#).status == 200)
        #expect(server.post("/apps/3/events", #"{"name":"n","data":"d","channels":["c"]}"#).status == 200)
        #expect(
            server.post("/apps/3/events", #"{"name":"n","data":"d","channels":["c"],"channel":null}"#).status == 200)
        server.shard.drain()
        #expect(listener.take().count == 3)
    }

    @Test("A channel that is named twice gets the event once")
    func namedTwice() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let answer = server.post(
            "/apps/3/events", #"{"name":"n","data":"d","channels":["c","e","c"],"info":"subscription_count"}"#)
        #expect(answer.body == #"{"channels":{"c":{"subscription_count":1},"e":{"subscription_count":0}}}"#)
        server.shard.drain()
        #expect(listener.take().count == 1)
    }

    @Test("Section 2: the data travels byte for byte: what the string stands for arrives as the same string")
    func verbatim() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let sent = #"{\"a\": [1.0e0 ,\u0020\"\u00e9\ud83d\ude00\\n\"]}\u0000\/"#
        #expect(server.post("/apps/3/events", #"{"name":"n","data":"\#(sent)","channel":"c"}"#).status == 200)
        server.shard.drain()
        let expected = #"{\"a\": [1.0e0 , \"é😀\\n\"]}\u0000/"#
        #expect(listener.take() == [#"{"event":"n","channel":"c","data":"\#(expected)"}"#])
    }

    @Test("socket_id leaves out that connection and no other")
    func excluded() throws {
        let server = APIServer()
        let id = ConnectionID()
        let (sender, _) = try server.listener(in: "c", id: id)
        let (other, _) = try server.listener(in: "c")
        let text = String(decoding: id.text, as: UTF8.self)
        let answer = server.post(
            "/apps/3/events", #"{"name":"n","data":"d","channel":"c","socket_id":"\#(text)"}"#)
        #expect(answer.status == 200)
        server.shard.drain()
        #expect(sender.take().isEmpty)
        #expect(other.take().count == 1)
    }

    @Test(
        "A socket_id that no connection has leaves out nobody; what is no socket_id is 400",
        arguments: [
            (#""1234.1234""#, 200), ("null", 200), (#""1.99999999999999999999999""#, 200), (#""0123.4""#, 200),
            (#""""#, 400), (#""1""#, 400), (#""1.""#, 400), (#"".1""#, 400), (#""1.2.3""#, 400), (#""a.b""#, 400),
            (#""1.2\n""#, 400), ("1.2", 400), ("[]", 400),
        ])
    func socketIDs(id: String, status: Int) throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let answer = server.post("/apps/3/events", #"{"name":"n","data":"d","channel":"c","socket_id":\#(id)}"#)
        #expect(answer.status == status)
        server.shard.drain()
        #expect(listener.take().count == (status == 200 ? 1 : 0))
    }

    @Test("info tells counts of each channel; users of presence channels only")
    func info() throws {
        let server = APIServer()
        _ = try server.listener(in: "presence-p", user: "anna")
        _ = try server.listener(in: "presence-p", user: "anna")
        _ = try server.listener(in: "c")
        let body =
            #"{"name":"n","data":"d","channels":["presence-p","c","empty"],"info":"subscription_count,user_count"}"#
        #expect(
            server.post("/apps/3/events", body).body == """
                {"channels":{"presence-p":{"user_count":1,"subscription_count":2},\
                "c":{"subscription_count":1},"empty":{"subscription_count":0}}}
                """)
    }

    @Test("info=position, in the body or in the query, tells where each is kept; positions rise by 1")
    func position() throws {
        let server = APIServer()
        let body = #"{"name":"n","data":"d","channels":["a","b"]}"#
        let first = server.post("/apps/3/events", body, query: "info=position")
        let epochs = first.body.split(separator: #""epoch":""#).dropFirst().map { $0.prefix(13) }
        #expect(epochs.count == 2)
        #expect(
            first.body == """
                {"channels":{"a":{"position":{"epoch":"\(epochs[0])","offset":1}},\
                "b":{"position":{"epoch":"\(epochs[1])","offset":1}}}}
                """)
        let second = server.publish("x", to: "b", info: "position")
        #expect(second.body == #"{"channels":{"b":{"position":{"epoch":"\#(epochs[1])","offset":2}}}}"#)
        let both = server.post(
            "/apps/3/events", #"{"name":"n","data":"d","channel":"b","info":"position"}"#,
            query: "info[]=subscription_count", signedQuery: "info=subscription_count")
        #expect(
            both.body == """
                {"channels":{"b":{"subscription_count":0,"position":{"epoch":"\(epochs[1])","offset":3}}}}
                """)
    }

    @Test(
        "An unknown word of info is 400 before anything is published", arguments: ["cache", "positions", "a,position"])
    func unknownInfo(info: String) throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        #expect(server.publish("d", to: "c", info: info).status == 400)
        let body = #"{"name":"n","data":"d","channel":"c"}"#
        #expect(server.post("/apps/3/events", body, query: "info=\(info)").status == 400)
        server.shard.drain()
        #expect(listener.take().isEmpty)
    }

    @Test(
        "Row 106: a member that is missing or of another type is 400, with words that name it",
        arguments: [
            (#""data":"d","channel":"c""#, "name"), (#""name":1,"data":"d","channel":"c""#, "name"),
            (#""name":null,"data":"d","channel":"c""#, "name"), (#""name":"","data":"d","channel":"c""#, "name"),
            (#""name":"a\nb","data":"d","channel":"c""#, "name"),
            (#""name":"n","channel":"c""#, "data"), (#""name":"n","data":{},"channel":"c""#, "data"),
            (#""name":"n","data":null,"channel":"c""#, "data"), (#""name":"n","data":1,"channel":"c""#, "data"),
            (#""name":"n","data":"d""#, "channels"), (#""name":"n","data":"d","channels":[]"#, "channels"),
            (#""name":"n","data":"d","channels":"c""#, "channels"),
            (#""name":"n","data":"d","channels":{}"#, "channels"),
            (#""name":"n","data":"d","channels":["c",null]"#, "channels[1]"),
            (#""name":"n","data":"d","channels":[["c"]]"#, "channels[0]"),
            (#""name":"n","data":"d","channel":["c"]"#, "channel"),
            (#""name":"n","data":"d","channel":"c","channels":["c"]"#, "channel"),
            (#""name":"n","data":"d","channel":"c","info":["position"]"#, "info"),
        ])
    func wrongTypes(members: String, word: String) {
        let answer = APIServer().post("/apps/3/events", "{\(members)}")
        #expect(answer.status == 400)
        #expect(answer.body.hasPrefix(#"{"error":""#))
        #expect(answer.body.contains(word))
        #expect(answer.fields["content-type"] == "application/json")
    }

    @Test("Row 104: a whole body that is no object is 400", arguments: ["null", "[]", #""""#, "1", "true", "", " "])
    func noObject(body: String) {
        let server = APIServer()
        #expect(server.post("/apps/3/events", body).status == 400)
        #expect(server.post("/apps/3/batch_events", body).status == 400)
    }

    @Test("Row 107: JSON inside JSON is taken down to depth 32 and refused with 400 below, however deep it goes")
    func depth() {
        let server = APIServer()
        func nested(_ levels: Int) -> Answer {
            let extra = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
            return server.post("/apps/3/events", #"{"name":"n","data":"d","channel":"c","x":\#(extra)}"#)
        }
        #expect(nested(31).status == 200)
        for levels in [32, 160, 511, 100_000] { #expect(nested(levels).status == 400) }
        #expect(server.post("/apps/3/events", String(repeating: "[", count: 200_000)).status == 400)
    }

    @Test(
        "Row 108: numbers that no type holds are looked at and not converted",
        arguments: ["1e999999", "9223372036854775808", "-0", String(repeating: "9", count: 200_000)])
    func numbers(number: String) {
        let body = #"{"name":"n","data":"d","channel":"c","x":\#(number)}"#
        #expect(APIServer().post("/apps/3/events", body).status == 200)
        let asName = #"{"name":\#(number),"data":"d","channel":"c"}"#
        #expect(APIServer().post("/apps/3/events", asName).status == 400)
    }

    @Test("Row 109: of a member that is there twice the last counts")
    func duplicateMembers() throws {
        let server = APIServer()
        let (first, _) = try server.listener(in: "first")
        let (last, _) = try server.listener(in: "last")
        let body = #"{"channel":"first","name":"n","data":"1","channel":"last","data":"2","__proto__":{"name":"x"}}"#
        #expect(server.post("/apps/3/events", body).status == 200)
        server.shard.drain()
        #expect(first.take().isEmpty)
        #expect(last.take() == [#"{"event":"n","channel":"last","data":"2"}"#])
    }

    @Test(
        "Row 109: a byte order mark, control characters, bytes after the end and no UTF-8 are 400",
        arguments: [
            Array("\u{FEFF}{\"name\":\"n\",\"data\":\"d\",\"channel\":\"c\"}".utf8),
            Array("{\"name\":\"n\",\"data\":\"a\u{1}\",\"channel\":\"c\"}".utf8),
            Array("{\"name\":\"n\",\"data\":\"a\nb\",\"channel\":\"c\"}".utf8),
            Array(#"{"name":"n","data":"d","channel":"c"} {}"#.utf8),
            Array(#"{"name":"n","data":"d","channel":"c",}"#.utf8),
            Array(#"{"name":"n","data":""#.utf8) + [0xFF] + Array(#"","channel":"c"}"#.utf8),
            Array(#"{"name":"n","data":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#"","channel":"c"}"#.utf8),
        ])
    func malformedText(body: [UInt8]) {
        let server = APIServer()
        let digest = String(decoding: PusherSignature.bodyDigest(body), as: UTF8.self)
        var request = Signer().request("POST", "/apps/3/events", query: "body_md5=\(digest)")
        request.body = body
        #expect(Answer(server.respond(to: request)).status == 400)
    }

    @Test("Row 110: an object with 20,000 members is read in one go")
    func manyMembers() {
        let extra = (0..<20_000).map { #""k\#($0)":0"# }.joined(separator: ",")
        #expect(
            APIServer().post("/apps/3/events", #"{\#(extra),"name":"n","data":"d","channel":"c"}"#).status == 200)
    }

    @Test(
        "Rows 115 and 116: what is no channel's name is 400, whatever it looks like",
        arguments: [
            "", String(repeating: "a", count: 165), "a b", " private-x", "a/b", "/../", "%2e", "a\\u0000", "\\u202Ea",
            "a\\u200Db", "caf\\u00e9", "cafe\\u0301", "\\u0440rivate-x", "\\uff50rivate-x", "a:b", "a#b", "a*", "a!",
        ])
    func names(name: String) {
        let server = APIServer()
        #expect(server.publish("d", to: name).status == 400)
        #expect(
            server.post("/apps/3/batch_events", #"{"batch":[{"name":"n","data":"d","channel":"\#(name)"}]}"#).status
                == 400)
    }

    @Test("The longest name and every character that may be in one")
    func allowedNames() {
        let server = APIServer()
        #expect(server.publish("d", to: String(repeating: "a", count: 164)).status == 200)
        #expect(server.publish("d", to: "aZ09_-=@,.;").status == 200)
        #expect(server.publish("d", to: "Private-x").status == 200)
    }

    @Test(
        "Row 124: of the reserved channels only a user's can be published to",
        arguments: [
            ("#server-to-user-u1", 200), ("#server-to-user-", 400), ("#server-to-user-a b", 400), ("#user-u1", 400),
            ("#online-u1", 400), ("#", 400), ("#x", 400), ("#Server-to-user-u1", 400),
            ("#server-to-user-" + String(repeating: "u", count: 128), 200),
            ("#server-to-user-" + String(repeating: "u", count: 129), 400),
        ])
    func reservedChannels(name: String, status: Int) { #expect(APIServer().publish("d", to: name).status == status) }

    @Test(
        "Row 124: events in the server's name are 400; client-, which only clients are held to, is not",
        arguments: [
            ("pusher:x", 400), ("pusher:", 400), ("pusher_internal:subscription_succeeded", 400),
            ("parley:position", 400), ("\\u0070usher:error", 400), ("client-x", 200), ("pusher", 200),
            ("Pusher:x", 200),
            ("my-pusher:x", 200), (String(repeating: "n", count: 200), 200), (String(repeating: "n", count: 201), 400),
        ])
    func eventNames(name: String, status: Int) {
        let server = APIServer()
        let members = #""name":"\#(name)","data":"d","channel":"c""#
        #expect(server.post("/apps/3/events", "{\(members)}").status == status)
        #expect(server.post("/apps/3/batch_events", #"{"batch":[{\#(members)}]}"#).status == status)
    }

    @Test("Row 124: members that only the server may write are not passed on")
    func internalMembers() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let body = #"{"name":"n","data":"d","channel":"c","user_id":"root","epoch":"e","offset":7,"event":"pusher:x"}"#
        #expect(server.post("/apps/3/events", body).status == 200)
        server.shard.drain()
        #expect(listener.take() == [#"{"event":"n","channel":"c","data":"d"}"#])
    }

    @Test("Section 5.7: an encrypted channel is the only one of its event")
    func encrypted() {
        let server = APIServer()
        #expect(server.publish("d", to: "private-encrypted-a").status == 200)
        for channels in [#""private-encrypted-a","b""#, #""b","private-encrypted-cache-a""#] {
            let answer = server.post("/apps/3/events", #"{"name":"n","data":"d","channels":[\#(channels)]}"#)
            #expect(answer.status == 400)
            #expect(answer.body.contains("encrypted"))
        }
    }

    @Test("The newest event of a cache channel outlives the retention of the others")
    func cacheRetention() {
        let server = APIServer()
        server.publish("d", to: "cache-c")
        server.publish("d", to: "c")
        server.pass(milliseconds: 1_799_000)
        server.engine.tick()
        let answer = Answer(
            server.respond(
                to: Signer(second: APIServer.second + 1_799).request(
                    "GET", "/apps/3/channels/cache-c", query: "info=cache")))
        #expect(answer.body == #"{"occupied":false,"cache":{"data":"d","ttl":1}}"#)
        let history = Answer(
            server.respond(to: Signer(second: APIServer.second + 1_799).request("GET", "/apps/3/channels/c/history")))
        #expect(history.body.contains(#""events":[]"#))
    }
}
