import Channels
import PusherProtocol
import Testing

@Suite("Publishing a batch over HTTP", .timeLimit(.minutes(5)))
struct BatchTests {
    private func batch(_ items: String...) -> String { #"{"batch":[\#(items.joined(separator: ","))]}"# }

    @Test("All events of a batch are published in order, and the answer is {}")
    func order() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let answer = server.post(
            "/apps/3/batch_events",
            batch(
                #"{"name":"n","data":"1","channel":"c"}"#, #"{"name":"n","data":"2","channel":"d"}"#,
                #"{"name":"m","data":"3","channel":"c"}"#))
        #expect(answer.description == "200 {}")
        server.shard.drain()
        #expect(
            listener.take() == [
                #"{"event":"n","channel":"c","data":"1"}"#, #"{"event":"m","channel":"c","data":"3"}"#,
            ])
    }

    @Test("With info the answer has one object for each event, in their order")
    func info() throws {
        let server = APIServer()
        _ = try server.listener(in: "presence-p", user: "anna")
        let body = batch(
            #"{"name":"n","data":"1","channel":"presence-p","info":"user_count,subscription_count"}"#,
            #"{"name":"n","data":"2","channel":"c"}"#, #"{"name":"n","data":"3","channel":"c","info":"position"}"#)
        let answer = server.post("/apps/3/batch_events", body)
        let epoch = answer.body.split(separator: #""epoch":""#).last?.prefix(13) ?? ""
        #expect(
            answer.body == """
                {"batch":[{"user_count":1,"subscription_count":1},{},\
                {"position":{"epoch":"\(epoch)","offset":2}}]}
                """)
    }

    @Test("info in the query is asked of every event")
    func infoOfAll() {
        let server = APIServer()
        let body = batch(#"{"name":"n","data":"1","channel":"a"}"#, #"{"name":"n","data":"2","channel":"b"}"#)
        #expect(
            server.post("/apps/3/batch_events", body, query: "info=subscription_count").body
                == #"{"batch":[{"subscription_count":0},{"subscription_count":0}]}"#)
    }

    @Test("Row 105: [null] is 400 and names the item, and so is anything else that is no event")
    func nulls() {
        let server = APIServer()
        for item in ["null", "[]", "1", #""x""#, "true"] {
            let alone = server.post("/apps/3/batch_events", batch(item))
            #expect(alone.status == 400)
            #expect(alone.body.contains("batch[0]"))
            let second = server.post("/apps/3/batch_events", batch(#"{"name":"n","data":"1","channel":"c"}"#, item))
            #expect(second.status == 400)
            #expect(second.body.contains("batch[1]"))
        }
    }

    @Test("One wrong event keeps the whole batch from being published, and the answer says which and why")
    func allOrNothing() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let answer = server.post(
            "/apps/3/batch_events",
            batch(#"{"name":"n","data":"1","channel":"c"}"#, #"{"name":"n","data":{},"channel":"c"}"#))
        #expect(answer.status == 400)
        #expect(answer.body.hasPrefix(#"{"error":"batch[1]: data has to be there, as a string."#))
        server.shard.drain()
        #expect(listener.take().isEmpty)
    }

    @Test(
        "A batch is a member of the body that is an array with events in it, or it is 400",
        arguments: [
            "{}", #"{"batch":null}"#, #"{"batch":{}}"#, #"{"batch":"x"}"#, #"{"batch":[]}"#,
            #"[{"name":"n","data":"1","channel":"c"}]"#,
        ])
    func noBatch(body: String) { #expect(APIServer().post("/apps/3/batch_events", body).status == 400) }

    @Test("An event of a batch has one channel, not several")
    func oneChannel() {
        let body = batch(#"{"name":"n","data":"1","channels":["c"]}"#)
        let answer = APIServer().post("/apps/3/batch_events", body)
        #expect(answer.status == 400)
        #expect(answer.body.contains("batch[0]: channel"))
    }

    @Test("Row 144: a batch may have 100 events; one more, or 10,000, is 400 and nothing is published")
    func size() throws {
        let server = APIServer { $0.limits.requestBytes = 1 << 20 }
        let (listener, _) = try server.listener(in: "c")
        func batch(of count: Int) -> Answer {
            let items = repeatElement(#"{"name":"n","data":"1","channel":"c"}"#, count: count)
            return server.post("/apps/3/batch_events", #"{"batch":[\#(items.joined(separator: ","))]}"#)
        }
        #expect(batch(of: 101).status == 400)
        #expect(batch(of: 10_000).status == 400)
        server.shard.drain()
        #expect(listener.take().isEmpty)
        #expect(batch(of: 100).status == 200)
        server.shard.drain()
        #expect(listener.take().count == 100)
    }
}
