import Channels
import Testing

@testable import PusherProtocol

@Suite("The history of the HTTP API", .timeLimit(.minutes(5)))
struct HistoryTests {
    /// A channel with so many events, whose data is their offset.
    private func server(_ count: Int, _ change: (inout PusherApp) -> Void = { _ in }) -> (APIServer, epoch: String) {
        let server = APIServer {
            $0.retention.publications = 1_000
            change(&$0)
        }
        var epoch = ""
        for offset in 1...count {
            let answer = server.publish("\(offset)", to: "private-c", info: "position")
            epoch = String(answer.body.split(separator: #""epoch":""#).last?.prefix(13) ?? "")
        }
        return (server, epoch)
    }

    private func events(_ offsets: ClosedRange<Int>) -> String {
        offsets.map { #"{"offset":\#($0),"event":"said","data":"\#($0)"}"# }.joined(separator: ",")
    }

    @Test("Without since the newest events are told, in rising order, with the position of the log")
    func newest() {
        let (server, epoch) = server(5)
        #expect(
            server.get("/apps/3/channels/private-c/history", query: "limit=2").body
                == #"{"epoch":"\#(epoch)","offset":5,"oldest":1,"events":[\#(events(4...5))]}"#)
    }

    @Test("After a position everything follows from the next event on, page by page, without a hole")
    func pages() {
        let (server, epoch) = server(5)
        func page(since offset: Int) -> String {
            server.get("/apps/3/channels/private-c/history", query: "limit=3&since=\(epoch):\(offset)").body
        }
        let head = #"{"epoch":"\#(epoch)","offset":5,"oldest":1,"recovered":true,"events":["#
        #expect(page(since: 0) == head + events(1...3) + "]}")
        #expect(page(since: 3) == head + events(4...5) + "]}")
        #expect(page(since: 5) == head + "]}")
    }

    @Test("What is not kept any more is a gap with exactly the range that is missing")
    func gap() {
        let (server, epoch) = server(10) { $0.retention.publications = 3 }
        func history(since offset: Int) -> String {
            server.get("/apps/3/channels/private-c/history", query: "since=\(epoch):\(offset)").body
        }
        let head = #"{"epoch":"\#(epoch)","offset":10,"oldest":8,"#
        let gap = #""recovered":false,"gap":{"from":3,"to":7,"oldest":8},"#
        #expect(history(since: 2) == head + gap + #""events":[\#(events(8...10))]}"#)
        #expect(history(since: 7) == head + #""recovered":true,"events":[\#(events(8...10))]}"#)
    }

    @Test("When nothing is kept the gap reaches to the last event, and who has that misses nothing")
    func nothingKept() {
        let (server, epoch) = server(4) { $0.retention = .none }
        func history(since offset: Int) -> String {
            server.get("/apps/3/channels/private-c/history", query: "since=\(epoch):\(offset)").body
        }
        let head = #"{"epoch":"\#(epoch)","offset":4,"oldest":5,"#
        #expect(history(since: 1) == head + #""recovered":false,"gap":{"from":2,"to":4,"oldest":5},"events":[]}"#)
        #expect(history(since: 4) == head + #""recovered":true,"events":[]}"#)
    }

    @Test(
        "Rows 123 and 174: a position of another log, another channel or a later time has no gap: null, and all that is kept"
    )
    func foreign() {
        let (server, epoch) = server(2)
        let other = server.publish("x", to: "other", info: "position")
        let otherEpoch = other.body.split(separator: #""epoch":""#).last?.prefix(13) ?? ""
        for since in [
            "aaaaaaaaaaaaa:1", "aaaaaaaaaaaaa:0", "\(otherEpoch):1", "\(epoch):3", "\(epoch):9007199254740991",
        ] {
            #expect(
                server.get("/apps/3/channels/private-c/history", query: "since=\(since)").body == """
                    {"epoch":"\(epoch)","offset":2,"oldest":1,"recovered":false,"gap":null,"events":[\(events(1...2))]}
                    """, "\(since)")
        }
    }

    @Test(
        "Row 174: what is no position is 400",
        arguments: [
            "", ":1", "aaaaaaaaaaaaa", "aaaaaaaaaaaaa:", "aaaaaaaaaaaaa:-1", "aaaaaaaaaaaaa:18446744073709551615",
            "aaaaaaaaaaaaa:9007199254740992", "AAAAAAAAAAAAA:1", "aaaaaaaaaaaaa:1:2", "7",
        ])
    func noPosition(since: String) {
        #expect(server(1).0.get("/apps/3/channels/private-c/history", query: "since=\(since)").status == 400)
    }

    @Test("An encoded colon is a colon")
    func encodedColon() {
        let (server, epoch) = server(1)
        let answer = server.get(
            "/apps/3/channels/private-c/history", query: "since=\(epoch)%3A0", signedQuery: "since=\(epoch):0")
        #expect(answer.body.contains(#""recovered":true"#))
    }

    @Test(
        "Row 123: the limit is a number from 1 to 300, and 100 when there is none",
        arguments: [
            ("limit=1", 1), ("limit=300", 300), ("limit=007", 7), ("limit=0000000000000000000000300", 300), ("", 100),
        ])
    func limit(query: String, count: Int) throws {
        let body = server(310).0.get("/apps/3/channels/private-c/history", query: query).body
        #expect(body.split(separator: #""event":"said""#).count - 1 == count)
        let text = query.split(separator: "=").last.map { Array($0.utf8) }
        #expect(try PusherAPI.limit(text) == count)
    }

    @Test(
        "Row 123: any other limit is 400 with words, also a number that no type holds",
        arguments: [
            "", "-", "a", "1.5", "1e3", "+1", "0", "000", "-1", "-9223372036854775809", "301", "1000",
            "9223372036854775808",
            "99999999999999999999999999", "1a",
        ])
    func noLimit(limit: String) {
        let answer = server(1).0.get("/apps/3/channels/private-c/history", query: "limit=\(limit)")
        #expect(answer.status == 400 && answer.body.contains("a whole number from 1 to 300"))
    }

    @Test("A channel that nothing was published to has an empty history")
    func empty() {
        let body = APIServer().get("/apps/3/channels/c/history").body
        #expect(body.contains(#""offset":0,"oldest":1,"events":[]}"#))
    }

    @Test("Row 123: nobody without the secret reads the history of a private channel")
    func unsigned() {
        let (server, _) = server(1)
        let request = PusherAPIRequest(method: "GET", path: "/apps/3/channels/private-c/history")
        #expect(server.respond(to: request).status == 401)
    }
}
