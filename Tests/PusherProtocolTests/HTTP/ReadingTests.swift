import Channels
import PusherProtocol
import Testing

@Suite("Asking the HTTP API about channels", .timeLimit(.minutes(5)))
struct ReadingTests {
    @Test("Trap 3 of section 12: channels is an object, also when there are none")
    func noChannels() {
        let server = APIServer()
        #expect(server.get("/apps/3/channels").description == #"200 {"channels":{}}"#)
        #expect(server.get("/apps/3/channels", query: "filter_by_prefix=x").body == #"{"channels":{}}"#)
    }

    @Test("The occupied channels are listed by name, those of the prefix if one is given, and reserved ones never")
    func channels() throws {
        let server = APIServer()
        let (_, left) = try server.listener(in: "zz")
        for name in ["b", "presence-p", "a", "private-x", "#server-to-user-1", "#user-1", "#online-1"] {
            _ = try server.listener(in: name)
        }
        left.leave()
        server.publish("d", to: "published-only")
        #expect(
            server.get("/apps/3/channels").body == #"{"channels":{"a":{},"b":{},"presence-p":{},"private-x":{}}}"#)
        #expect(
            server.get("/apps/3/channels", query: "filter_by_prefix=p").body
                == #"{"channels":{"presence-p":{},"private-x":{}}}"#)
        #expect(
            server.get("/apps/3/channels", query: "filter_by_prefix=%23", signedQuery: "filter_by_prefix=#").body
                == #"{"channels":{}}"#)
    }

    @Test("user_count needs a prefix of presence channels, or it is 400; subscription_count does not")
    func channelCounts() throws {
        let server = APIServer()
        _ = try server.listener(in: "presence-p", user: "1")
        _ = try server.listener(in: "presence-p", user: "1")
        _ = try server.listener(in: "c")
        #expect(server.get("/apps/3/channels", query: "info=user_count").status == 400)
        #expect(server.get("/apps/3/channels", query: "info=user_count&filter_by_prefix=presence").status == 400)
        #expect(
            server.get("/apps/3/channels", query: "info=user_count&filter_by_prefix=presence-").body
                == #"{"channels":{"presence-p":{"user_count":1}}}"#)
        #expect(
            server.get("/apps/3/channels", query: "info=subscription_count").body
                == #"{"channels":{"c":{"subscription_count":1},"presence-p":{"subscription_count":2}}}"#)
        for unknown in ["cache", "position", "x"] {
            #expect(server.get("/apps/3/channels", query: "info=\(unknown)").status == 400)
        }
    }

    @Test("A channel is told with what info asks and the channel has")
    func channel() throws {
        let server = APIServer()
        #expect(server.get("/apps/3/channels/c").body == #"{"occupied":false}"#)
        _ = try server.listener(in: "c")
        _ = try server.listener(in: "presence-p", user: "1")
        _ = try server.listener(in: "presence-p", user: "2")
        #expect(server.get("/apps/3/channels/c").body == #"{"occupied":true}"#)
        let counts = "info=user_count,subscription_count"
        #expect(server.get("/apps/3/channels/c", query: counts).body == #"{"occupied":true,"subscription_count":1}"#)
        #expect(
            server.get("/apps/3/channels/presence-p", query: counts).body
                == #"{"occupied":true,"user_count":2,"subscription_count":2}"#)
        #expect(server.get("/apps/3/channels/c", query: "info=position").status == 400)
    }

    @Test("The cache of a cache channel is its newest event with the seconds that it has left, or null")
    func cache() {
        let server = APIServer()
        func cache(_ channel: String, after seconds: UInt64 = 0) -> String {
            let request = Signer(second: APIServer.second + seconds)
                .request("GET", "/apps/3/channels/\(channel)", query: "info=cache")
            return Answer(server.respond(to: request)).body
        }
        #expect(cache("cache-c") == #"{"occupied":false,"cache":null}"#)
        server.publish("old", to: "cache-c")
        server.publish(#"new \"quoted\""#, to: "cache-c")
        #expect(cache("cache-c") == #"{"occupied":false,"cache":{"data":"new \"quoted\"","ttl":1800}}"#)
        #expect(cache("plain") == #"{"occupied":false}"#)
        server.pass(milliseconds: 1_800_000)
        #expect(cache("cache-c", after: 1_800) == #"{"occupied":false,"cache":null}"#)
    }

    @Test("An app that keeps its events for hours has none in a cache channel after 30 minutes either")
    func cacheOfLongRetention() {
        let server = APIServer { $0.retention.milliseconds = 86_400_000 }
        server.publish("d", to: "cache-c")
        server.pass(milliseconds: 1_800_000)
        let request = Signer(second: APIServer.second + 1_800)
            .request("GET", "/apps/3/channels/cache-c", query: "info=cache")
        #expect(Answer(server.respond(to: request)).body == #"{"occupied":false,"cache":null}"#)
    }

    @Test("The users of a presence channel are told each once, as strings; of other channels it is 400")
    func users() throws {
        let server = APIServer()
        #expect(server.get("/apps/3/channels/presence-p/users").body == #"{"users":[]}"#)
        for user in ["10", "anna", "10", #"a"b"#] { _ = try server.listener(in: "presence-p", user: user) }
        #expect(
            server.get("/apps/3/channels/presence-p/users").body
                == #"{"users":[{"id":"10"},{"id":"anna"},{"id":"a\"b"}]}"#)
        for other in ["c", "private-c", "presence", "Presence-p"] {
            #expect(server.get("/apps/3/channels/\(other)/users").status == 400)
        }
    }

    @Test(
        "Row 115: a name in the path that is none is 400",
        arguments: ["", "a%20b", "%23user-1", "a%2Fb", "%C3%A9", "%00"])
    func names(name: String) {
        for rest in ["", "/users", "/history"] {
            #expect(APIServer().get("/apps/3/channels/\(name)\(rest)").status == 400, "\(rest)")
        }
    }

    @Test("The connections of this node are counted")
    func connections() { #expect(APIServer().get("/apps/3/connections").body == #"{"connections":0}"#) }

    @Test("A user's connections are told to close, in the channel where each of them listens")
    func terminate() throws {
        let server = APIServer()
        let (own, _) = try server.listener(in: "#user-u1")
        let (other, _) = try server.listener(in: "#user-u2")
        for body in ["", "{}"] {
            #expect(server.post("/apps/3/users/u1/terminate_connections", body).description == "200 {}")
            server.shard.drain()
            #expect(own.take().count == 1)
            #expect(other.take().isEmpty)
        }
        #expect(server.post("/apps/3/users/nobody/terminate_connections", "{}").status == 200)
        for user in ["", "a%20b", "%23", String(repeating: "u", count: 129)] {
            #expect(server.post("/apps/3/users/\(user)/terminate_connections", "{}").status == 400, "\(user)")
        }
    }

    @Test("Section 7: the Python library's path without an app finds it by the key")
    func pythonTerminate() throws {
        let other = PusherApp(id: "4", name: "four", keys: [PusherKey(key: "k4", secret: "s4")])
        let server = APIServer(others: [other])
        let (own, _) = try server.listener(in: "#user-u1")
        let path = "/users/u1/terminate_connections"
        #expect(server.api.handles(path: path))
        #expect(Answer(server.respond(to: Signer(key: other.keys[0]).request("POST", path, body: "{}"))).status == 200)
        server.shard.drain()
        #expect(own.take().isEmpty)
        #expect(server.post(path, "{}").status == 200)
        server.shard.drain()
        #expect(own.take().count == 1)
        let stranger = PusherKey(key: "unknown", secret: APIServer.key.secret)
        #expect(server.respond(to: Signer(key: stranger).request("POST", path, body: "{}")).status == 401)
    }
}
