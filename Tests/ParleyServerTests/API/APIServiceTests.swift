import Channels
import ParleyServer
import PusherProtocol
import Reactor
import Testing
import WebSocketCore
import WebSocketNIO

@Suite("The HTTP API over real sockets", .timeLimit(.minutes(5)))
struct APIServiceTests {
    @Test("A signed publish is kept and answered, with more of them on the same connection, pipelined or not")
    func publish() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            for _ in 0..<3 {
                try await peer.send(SignedRequest.text("POST", "/apps/1/events", SignedRequest.event("x")))
                let answer = try await peer.answer()
                #expect(answer.status == 200 && answer.body == "{}")
                #expect(!answer.head.lowercased().contains("connection: close"))
            }
            let request = SignedRequest.text(
                "POST", "/apps/1/events", SignedRequest.event("x"), query: ["info": "position"])
            try await peer.send(String(repeating: request, count: 50) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + request)
            for offset in 4..<54 {
                let answer = try await peer.answer()
                #expect(answer.status == 200 && answer.body.hasSuffix("\"offset\":\(offset)}}}}"))
            }
            #expect(try await peer.answer().head.contains("text/html"))
            #expect(try await peer.answer().body.hasSuffix("\"offset\":54}}}}"))
        }
    }

    @Test("A request with an Idempotency-Key is carried out once, however often it comes")
    func idempotency() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            for (key, offset) in [("a", 1), ("a", 1), ("b", 2), ("a", 1), ("b", 2), ("c", 3)] {
                try await peer.send(
                    SignedRequest.text(
                        "POST", "/apps/1/events", SignedRequest.event("x"), query: ["info": "position"],
                        fields: "Idempotency-Key: \(key)\r\n"))
                #expect(try await peer.answer().body.hasSuffix("\"offset\":\(offset)}}}}"), "\(key)")
            }
        }
    }

    @Test("A long answer comes whole", arguments: [7, 8, 30])
    func longAnswer(_ count: Int) async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            let event = SignedRequest.event(String(repeating: "x", count: 9_000))
            for _ in 0..<count {
                try await peer.send(SignedRequest.text("POST", "/apps/1/events", event))
                #expect(try await peer.answer().status == 200)
            }
            try await peer.send(
                SignedRequest.text("GET", "/apps/1/channels/c/history", query: ["limit": "\(count)"]))
            let answer = try await peer.answer()
            #expect(answer.status == 200 && answer.body.utf8.count > 9_000 * count)
            #expect(answer.body.hasSuffix("\"}]}"))
        }
    }

    @Test("The path reaches the API as it came: encoded, and behind a proxy's prefix (trap 2 of the Pusher notes)")
    func rawPath() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            for (path, prefix) in [
                ("/apps/1/channels/presence%2Dx/users", ""), ("/apps/1/channels", "/behind/a/proxy"),
                ("/apps/1/channels/a%3Bb", "/p%20q"),
            ] {
                try await peer.send(SignedRequest.text("GET", path, prefix: prefix))
                let answer = try await peer.answer()
                #expect(answer.status == 200, "\(path): \(answer.body)")
            }
        }
    }

    @Test("What is wrong is an answer in JSON on a connection that stays: signature, path, method, app")
    func refused() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            let body = SignedRequest.event("x")
            for (request, status) in [
                (SignedRequest.text("POST", "/apps/1/events", body).replacing("\"x\"", with: "\"y\""), 401),
                (SignedRequest.text("POST", "/apps/2/events", body), 401),
                (SignedRequest.text("GET", "/apps/1/nothing"), 404),
                (SignedRequest.text("DELETE", "/apps/1/events"), 405),
                (SignedRequest.text("TRACE", "/apps/1/events"), 405),
                (SignedRequest.text("POST", "/apps/1/events", body, fields: "Content-Encoding: br\r\n"), 415),
                (SignedRequest.text("POST", "/apps/1/events", body, fields: "Content-Encoding: gzip\r\n"), 400),
            ] {
                try await peer.send(request)
                let answer = try await peer.answer()
                #expect(answer.status == status)
                #expect(answer.body.hasPrefix("{\"error\":\"") && answer.body.hasSuffix("\"}"))
                #expect(answer.head.lowercased().contains("content-type: application/json"))
                // Catalogue row 56: pages of other origins are not let in.
                #expect(!answer.head.lowercased().contains("access-control"))
            }
        }
    }

    @Test("A body in chunks counts as one that is whole, and the connection ends with its answer")
    func chunks() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            let body = SignedRequest.event("x")
            let target = SignedRequest.target("POST", "/apps/1/events", body, [:], RunningParley.key)
            let half = body.index(body.startIndex, offsetBy: 10)
            try await peer.send("POST \(target) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in [body[..<half], body[half...]] {
                try await peer.send("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n")
            }
            try await peer.send("0\r\n\r\n")
            let answer = try await peer.answer()
            #expect(answer.status == 200)
            #expect(answer.head.lowercased().contains("connection: close"))
            #expect(try await peer.rest() == "")
        }
    }

    @Test("A body past 256 KiB is refused before it has come (catalogue row 143)")
    func longBody() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            try await peer.send("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
            #expect(try await peer.answer().status == 413)
            #expect(try await peer.rest() == "")
        }
    }

    @Test("Expect: 100-continue is met before the body is sent")
    func expectation() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            let body = SignedRequest.event("x")
            let request = SignedRequest.text("POST", "/apps/1/events", body, fields: "Expect: 100-continue\r\n")
            try await peer.send(String(request.dropLast(body.count)))
            #expect(try await peer.answer().status == 100)
            try await peer.send(body)
            #expect(try await peer.answer().status == 200)
        }
    }

    @Test("A body that stops halfway publishes nothing, however its client goes", arguments: [true, false])
    func halfBody(_ isHalfClosed: Bool) async throws {
        try await withParley { parley in
            let watcher = try await HTTPPeer.connect(port: parley.port)
            let peer = try await HTTPPeer.connect(port: parley.port)
            try await peer.send(
                String(SignedRequest.text("POST", "/apps/1/events", SignedRequest.event("x")).dropLast(3)))
            if isHalfClosed {
                try await peer.endOutput()
                #expect(try await peer.answer().status == 400)
            } else {
                peer.close()
            }
            try await watcher.send(
                SignedRequest.text("POST", "/apps/1/events", SignedRequest.event("y"), query: ["info": "position"]))
            #expect(try await watcher.answer().body.hasSuffix("\"offset\":1}}}}"))
        }
    }

    @Test("A WebSocket on a path of the API is none, and one behind an API request on a connection is")
    func upgrades() async throws {
        let upgrade =
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            try await peer.send("GET /apps/1/channels HTTP/1.1\r\nHost: a\r\n" + upgrade)
            #expect(try await peer.answer().status == 401)
            #expect(try await peer.rest() == "")
            let other = try await HTTPPeer.connect(port: parley.port)
            try await other.send(SignedRequest.text("GET", "/apps/1/channels"))
            #expect(try await other.answer().status == 200)
            try await other.send("GET / HTTP/1.1\r\nHost: a\r\n" + upgrade)
            let answer = try await other.answer()
            #expect(answer.status == 101)
        }
    }

    @Test("Without apps there is no API, no client library, and /app/ is the room's like any other path")
    func withoutApps() async throws {
        try await withParley(configure: { $0.apps = [] }) { parley in
            for (path, status) in [("/apps/1/channels", 404), ("/parley.js", 404), ("/app/x", 404), ("/", 200)] {
                let peer = try await HTTPPeer.connect(port: parley.port)
                try await peer.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await peer.answer().status == status, "\(path)")
            }
        }
    }

    @Test("The client library is served to every origin, with its types; /app/ alone asks for a WebSocket")
    func library() async throws {
        try await withParley { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            for (path, type) in [("/parley.js", "text/javascript"), ("/parley.d.ts", "text/plain")] {
                try await peer.send("GET \(path) HTTP/1.1\r\nHost: a\r\nOrigin: https://elsewhere.example\r\n\r\n")
                let answer = try await peer.answer()
                #expect(answer.status == 200 && answer.head.contains("Content-Type: \(type)"))
                #expect(answer.head.contains("Access-Control-Allow-Origin: *"))
                #expect(!answer.body.isEmpty)
            }
            try await peer.send("GET /app/key-1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await peer.answer().status == 426)
        }
    }
}
