import Channels
import Testing
import WebSocketCore

@testable import PusherProtocol

@Suite("The limits and errors of the HTTP API", .timeLimit(.minutes(5)))
struct APILimitsTests {
    @Test("Row 143: a body above the limit is 413, whoever sends it")
    func body() {
        let server = APIServer { $0.limits.requestBytes = 100 }
        let frame = #"{"name":"n","data":"","channel":"c"}"#
        let fitting = frame.replacing(#""""#, with: #""\#(String(repeating: "d", count: 100 - frame.utf8.count))""#)
        #expect(server.post("/apps/3/events", fitting).status == 200)
        #expect(server.post("/apps/3/events", fitting + " ").status == 413)
        let unsigned = PusherAPIRequest(
            method: "POST", path: "/apps/3/events", body: Array(repeating: 0x20, count: 10_000_000))
        #expect(server.respond(to: unsigned).status == 413)
    }

    @Test("Section 7: data above the limit is 413, also in a batch, where the answer names the event")
    func data() {
        let server = APIServer { $0.limits.eventDataBytes = 10 }
        #expect(server.publish("0123456789", to: "c").status == 200)
        #expect(server.publish("0123456789a", to: "c").status == 413)
        // Bytes of what the string stands for count, not those of its escapes.
        #expect(server.publish(#"\u0061123456789"#, to: "c").status == 200)
        #expect(server.publish("ééééé", to: "c").status == 200)
        #expect(server.publish("éééééé", to: "c").status == 413)
        let batch = server.post(
            "/apps/3/batch_events", #"{"batch":[{"name":"n","data":"0123456789a","channel":"c"}]}"#)
        #expect(batch.status == 413)
        #expect(batch.body.contains("batch[0]"))
    }

    @Test("Row 144: an event may go to 100 channels; to one more, or to 1,000, it is 400 and nothing is published")
    func channels() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c0")
        func publish(_ count: Int) -> Answer {
            let names = (0..<count).map { #""c\#($0)""# }.joined(separator: ",")
            return server.post("/apps/3/events", #"{"name":"n","data":"d","channels":[\#(names)]}"#)
        }
        #expect(publish(101).status == 400)
        #expect(publish(1_000).status == 400)
        server.shard.drain()
        #expect(listener.take().isEmpty)
        #expect(publish(100).status == 200)
        server.shard.drain()
        #expect(listener.take().count == 1)
    }

    @Test(
        "Row 145: above the rate of a key it is 429 with Retry-After; other keys have their own, and it fills up again")
    func rate() {
        let second = PusherKey(key: "k2", secret: "s2")
        let server = APIServer {
            $0.keys.append(second)
            $0.limits.requestsPerSecond = 5
        }
        for _ in 0..<5 { #expect(server.get("/apps/3/channels").status == 200) }
        let refused = server.get("/apps/3/channels")
        #expect(refused.status == 429)
        #expect(refused.fields["retry-after"] == "1")
        #expect(server.publish("d", to: "c").status == 429)
        #expect(server.respond(to: Signer(key: second).request("GET", "/apps/3/channels")).status == 200)
        server.pass(milliseconds: 1_000)
        for _ in 0..<5 { #expect(server.get("/apps/3/channels").status == 200) }
        #expect(server.get("/apps/3/channels").status == 429)
    }

    @Test("A list of thousands of channels is made where the requests of others do not wait for it")
    func longLists() throws {
        let server = APIServer()
        let count = Lock(0)
        let api = PusherAPI(
            node: server.node,
            doLongWork: { _, work in
                count.withLock { $0 += 1 }
                work()
            })
        var kept = try (0..<4_096).map { try server.listener(in: "c\($0)") }
        for most in [0, 1] {
            let answers = Lock<[Int]>([])
            api.respond(to: Signer().request("GET", "/apps/3/channels")) { answer in
                answers.withLock { $0.append(answer.status) }
            }
            #expect(answers.withLock { $0 } == [200])
            #expect(count.withLock { $0 } == most)
            kept.append(try server.listener(in: "one more"))
        }
    }

    @Test("Row 145: who has no secret can not use up the rate of a key")
    func rateOfStrangers() {
        let server = APIServer { $0.limits.requestsPerSecond = 2 }
        let stranger = Signer(key: PusherKey(key: APIServer.key.key, secret: "guess"))
        for _ in 0..<100 { #expect(server.respond(to: stranger.request("GET", "/apps/3/channels")).status == 401) }
        #expect(server.get("/apps/3/channels").status == 200)
    }

    @Test("Row 145: by default a key may send 10,000 requests a second")
    func defaultRate() throws {
        #expect(PusherLimits().requestsPerSecond == 10_000)
        let runtime = try APIServer().runtime
        var taken = 0
        while taken < 20_000, runtime.takeRequest(of: APIServer.key) { taken += 1 }
        #expect(taken == 10_000)
    }

    @Test("Row 131: what the engine can not keep is 503 with Retry-After, and not published")
    func overloaded() throws {
        var options = MemoryStore.Options()
        options.historyBudget = 1_000
        let server = APIServer(options: options)
        let (listener, _) = try server.listener(in: "c")
        let answer = server.publish(String(repeating: "d", count: 2_000), to: "c")
        #expect(answer.status == 503)
        #expect(answer.fields["retry-after"] == "1")
        server.shard.drain()
        #expect(listener.take().isEmpty)
        #expect(server.publish("d", to: "c").status == 200)
    }

    @Test("An engine that can not be reached is 503 with Retry-After for every question")
    func unavailable() {
        let server = APIServer()
        server.engine.stop()
        #expect(server.publish("d", to: "c", info: "subscription_count").status == 503)
        for path in ["channels", "channels/c", "channels/presence-c/users", "channels/c/history"] {
            let answer = server.get("/apps/3/\(path)")
            #expect(answer.status == 503)
            #expect(answer.fields["retry-after"] == "1")
        }
    }

    @Test("A wrong method is 405 and says which is right")
    func methods() {
        let server = APIServer()
        for method in ["GET", "PUT", "post", "HEAD", "OPTIONS"] {
            let answer = Answer(server.respond(to: Signer().request(method, "/apps/3/events")))
            #expect(answer.status == 405)
            #expect(answer.fields["allow"] == "POST")
        }
        #expect(Answer(server.respond(to: Signer().request("POST", "/apps/3/channels"))).fields["allow"] == "GET")
    }

    @Test("An unknown path is 404")
    func paths() {
        let server = APIServer()
        for path in ["/apps/3", "/apps/3/event", "/apps/3/events/", "/apps/3/channels/a/b", "/elsewhere"] {
            #expect(server.respond(to: Signer().request("POST", path)).status == 404)
        }
        #expect(server.api.handles(path: "/apps/3/event"))
        #expect(server.api.handles(path: "/prefix/apps/3/events"))
        #expect(!server.api.handles(path: "/elsewhere"))
        #expect(!server.api.handles(path: "/app/key"))
    }

    @Test("A path with its query has less than 4,096 bytes, or it is 414")
    func target() {
        let long = String(repeating: "a", count: 4_096)
        let server = APIServer()
        #expect(server.respond(to: PusherAPIRequest(method: "GET", path: "/apps/3/channels/" + long)).status == 414)
        #expect(
            server.respond(to: PusherAPIRequest(method: "GET", path: "/apps/3/channels", query: long)).status == 414)
    }

    @Test("Every error is a JSON object with words, and nothing may be kept by a cache")
    func form() {
        let server = APIServer { $0.limits.requestsPerSecond = 1 }
        let answers = [
            Answer(server.respond(to: PusherAPIRequest(method: "GET", path: "/apps/3/channels"))),
            server.get("/apps/4/channels"),
            Answer(server.respond(to: PusherAPIRequest(method: "PUT", path: "/apps/3/channels"))),
            server.post("/apps/3/events", "[\"\u{1}]"),
            server.post("/apps/3/events", "[]"),
        ]
        #expect(answers.map(\.status) == [401, 404, 405, 400, 429])
        for answer in answers {
            #expect(answer.body.hasPrefix(#"{"error":""#))
            #expect(answer.body.hasSuffix(#""}"#))
            #expect(answer.fields["cache-control"] == "no-store")
            #expect(answer.fields["content-type"] == "application/json")
            #expect(answer.fields["access-control-allow-origin"] == nil)
        }
    }

    @Test("Row 94: bytes of any kind in path, query and body are answered, never trapped on")
    func random() {
        let server = APIServer { $0.limits.requestsPerSecond = 100_000 }
        var generator = SeededGenerator(seed: 4)
        let paths = [
            "/apps/3/events", "/apps/3/batch_events", "/apps/3/channels", "/apps/3/channels/presence-a/users",
            "/apps/3/channels/a/history", "/apps/3/users/u/terminate_connections", "/users/u/terminate_connections",
        ]
        let bodies = [
            #"{"name":"n","data":"d\u00e9\ud83d\ude00","channels":["a","presence-b"],"info":"position","socket_id":"1.2"}"#,
            #"{"batch":[{"name":"n","data":"d","channel":"c","info":"user_count"},null]}"#,
        ]
        var statuses = Set<Int>()
        for round in 0..<20_000 {
            let path = mutated(paths[round % paths.count], &generator)
            let body = mutated(bodies[round % bodies.count], &generator)
            let query = mutated("since=aaaaaaaaaaaaa:1&limit=5&info[]=position&filter_by_prefix=presence-", &generator)
            let method = round % paths.count < 2 || round % paths.count > 4 ? "POST" : "GET"
            let request = signed(method, path, query: query, body: method == "POST" ? body : "")
            statuses.insert(server.respond(to: request).status)
        }
        #expect(statuses.isSubset(of: [200, 400, 401, 404, 405, 413, 414]))
        #expect(statuses.isSuperset(of: [200, 400, 401, 404]))
    }

    /// A request that is signed as the server reads it, so that what lies behind the signature is reached too.
    private func signed(_ method: String, _ path: String, query: String, body: String) -> PusherAPIRequest {
        var query = query + "&auth_key=\(APIServer.key.key)&auth_timestamp=\(APIServer.second)&auth_version=1.0"
        let body = Array(body.utf8)
        if !body.isEmpty { query += "&body_md5=" + String(decoding: PusherSignature.bodyDigest(body), as: UTF8.self) }
        var text = Array("\(method)\n".utf8)
        if let signedPath = APIPath(path)?.signed { text += Array(signedPath) }
        text.append(UInt8(ascii: "\n"))
        if let read = try? APIQuery(query) { read.append(signedTo: &text) }
        let signature = PusherSignature.sign(text, with: APIServer.key.secret)
        return PusherAPIRequest(
            method: method, path: path,
            query: query + "&auth_signature=" + String(decoding: signature, as: UTF8.self), body: body)
    }

    /// The text with some of its bytes changed, taken out or doubled, as far as it is still UTF-8.
    private func mutated(_ text: String, _ generator: inout SeededGenerator) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &generator)
            switch generator.next() % 3 {
            case 0: bytes[index] = UInt8.random(in: 0...127, using: &generator)
            case 1: bytes.remove(at: index)
            default: bytes.insert(contentsOf: bytes[index...].prefix(8), at: index)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
