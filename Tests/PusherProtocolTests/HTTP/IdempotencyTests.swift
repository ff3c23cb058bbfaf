import Channels
import PusherProtocol
import Synchronization
import Testing
import WebSocketCore

@Suite("Idempotency keys of the HTTP API", .timeLimit(.minutes(5)))
struct IdempotencyTests {
    private let body = #"{"name":"n","data":"d","channel":"c","info":"position"}"#

    @Test("Row 140: the same request with its key is published once, and every repetition gets the same answer")
    func sameBody() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let first = server.post("/apps/3/events", body, idempotencyKey: "k")
        #expect(first.status == 200)
        #expect(first.body.contains(#""offset":1"#))
        // A library signs each repetition anew.
        for second in [APIServer.second, APIServer.second + 1, APIServer.second + 600] {
            var request = Signer(second: second).request("POST", "/apps/3/events", body: body)
            request.idempotencyKey = "k"
            #expect(Answer(server.respond(to: request)) == first)
        }
        server.shard.drain()
        #expect(listener.take().count == 1)
    }

    @Test("Row 140: a key is remembered for 24 hours")
    func day() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        func publish(after seconds: UInt64) -> Answer {
            var request = Signer(second: APIServer.second + seconds).request("POST", "/apps/3/events", body: body)
            request.idempotencyKey = "k"
            return Answer(server.respond(to: request))
        }
        let first = publish(after: 0)
        server.pass(milliseconds: 86_399_000)
        server.engine.tick()
        #expect(publish(after: 86_399) == first)
        server.shard.drain()
        #expect(listener.take().count == 1)
    }

    @Test("Row 141: another body with the same key is 409, and nothing is published")
    func otherBody() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        #expect(server.post("/apps/3/events", body, idempotencyKey: "k").status == 200)
        for other in [body + " ", body.replacing("d\"", with: "e\""), body.replacing("\"c\"", with: "\"x\"")] {
            #expect(server.post("/apps/3/events", other, idempotencyKey: "k").status == 409)
        }
        server.shard.drain()
        #expect(listener.take().count == 1)
    }

    @Test("Another path or another query with the same key is 409 too; what only signs a request is not looked at")
    func otherRequest() {
        let server = APIServer()
        let body = #"{"name":"n","data":"d","channel":"c","batch":[{"name":"n","data":"d","channel":"c"}]}"#
        #expect(server.post("/apps/3/events", body, idempotencyKey: "k").status == 200)
        #expect(server.post("/apps/3/events", body, query: "info=position", idempotencyKey: "k").status == 409)
        #expect(server.post("/apps/3/batch_events", body, idempotencyKey: "k").status == 409)
        #expect(server.post("/apps/3/events", body, idempotencyKey: "k").status == 200)
    }

    @Test("The answer to a repetition does not depend on counts that have changed: with a key they are left out")
    func counts() throws {
        let server = APIServer()
        let body =
            #"{"name":"n","data":"d","channels":["presence-c","d"],"info":"subscription_count,user_count,position"}"#
        let first = server.post("/apps/3/events", body, idempotencyKey: "k")
        _ = try server.listener(in: "presence-c", user: "anna")
        let again = server.post("/apps/3/events", body, idempotencyKey: "k")
        #expect(first == again)
        #expect(first.body.contains(#""position""#))
        #expect(!first.body.contains("_count"))
        #expect(server.post("/apps/3/events", body).body.contains("user_count"))
    }

    @Test("Keys of one app mean nothing in another")
    func perApp() throws {
        let other = PusherApp(id: "4", name: "four", keys: [PusherKey(key: "k4", secret: "s4")])
        let server = APIServer(others: [other])
        #expect(server.post("/apps/3/events", body, idempotencyKey: "k").status == 200)
        var request = Signer(key: other.keys[0])
            .request("POST", "/apps/4/events", body: #"{"name":"n","data":"x","channel":"c"}"#)
        request.idempotencyKey = "k"
        #expect(server.respond(to: request).status == 200)
    }

    @Test("Without a key nothing is taken for a repetition")
    func without() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        for offset in 1...3 {
            #expect(server.post("/apps/3/events", body).body.contains(#""offset":\#(offset)}"#))
        }
        server.shard.drain()
        #expect(listener.take().count == 3)
    }

    @Test("A request that is refused leaves its key free")
    func refused() {
        let server = APIServer()
        #expect(server.post("/apps/3/events", "{}", idempotencyKey: "k").status == 400)
        #expect(server.post("/apps/3/events", body, idempotencyKey: "k").status == 200)
    }

    @Test(
        "A key has 1 to 255 printable characters, or it is 400",
        arguments: [
            ("", 400), ("k", 200), (String(repeating: "k", count: 255), 200), (String(repeating: "k", count: 256), 400),
            ("a\nb", 400), ("é", 400), ("\u{7F}", 400), ("a b", 200), (#""quoted""#, 200),
        ])
    func keys(key: String, status: Int) {
        #expect(APIServer().post("/apps/3/events", body, idempotencyKey: key).status == status)
    }

    @Test("A batch with a key is published once as a whole")
    func batch() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let body =
            #"{"batch":[{"name":"n","data":"1","channel":"c","info":"position"},{"name":"n","data":"2","channel":"c"}]}"#
        let first = server.post("/apps/3/batch_events", body, idempotencyKey: "k")
        #expect(server.post("/apps/3/batch_events", body, idempotencyKey: "k") == first)
        #expect(first.status == 200)
        server.shard.drain()
        #expect(listener.take().count == 2)
    }

    @Test("Row 142 and I8: 100 keys, each sent 20 times at once and sometimes with another body: one publication each")
    func concurrent() async throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let answers = await withTaskGroup(of: (Int, Bool, Answer).self) { group in
            for repetition in 0..<20 {
                for key in 0..<100 {
                    // The other body comes after the first one at the earliest, so that it can not be the first.
                    let isOther = repetition > 0 && (key + repetition) % 7 == 0
                    let data = isOther ? "other" : "d"
                    var request = Signer().request(
                        "POST", "/apps/3/events",
                        body: #"{"name":"n","data":"\#(data)","channel":"c","info":"position"}"#)
                    request.idempotencyKey = "key-\(key)"
                    if repetition == 0 { _ = server.respond(to: request) }
                    let sent = request
                    group.addTask {
                        await withCheckedContinuation { continuation in
                            server.api.respond(to: sent) { continuation.resume(returning: (key, isOther, Answer($0))) }
                        }
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 2_000)
        #expect(answers.allSatisfy { $0.2.status == ($0.1 ? 409 : 200) })
        for key in 0..<100 {
            #expect(Set(answers.filter { $0.0 == key && !$0.1 }.map(\.2.body)).count == 1, "key \(key)")
        }
        server.shard.drain()
        #expect(listener.take().count == 100)
    }
}
