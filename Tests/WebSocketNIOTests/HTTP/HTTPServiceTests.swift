import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("An HTTP service behind the front door, on an embedded channel", .timeLimit(.minutes(5)))
struct HTTPServiceTests {
    private static let get = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func post(_ body: String, _ path: String = "/apps/1/events", fields: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    private static func door(
        answersAtOnce: Bool = true, configure: (inout WebSocketServerConfiguration) -> Void = { _ in }
    ) throws -> (EmbeddedDoor, EmbeddedService) {
        let service = EmbeddedService()
        service.answersAtOnce = answersAtOnce
        let door = try EmbeddedDoor { configuration in
            configuration.httpService = service
            let route = configuration.route
            configuration.route = { $0.target.hasPrefix("/apps/") ? nil : route($0) }
            configure(&configuration)
        }
        return (door, service)
    }

    @Test("It gets what it claims, whole and raw, and the connection stays for the next request")
    func claimed() throws {
        let (door, service) = try Self.door()
        try door.receive(Self.post("abc", "/apps/1/a%2Fb?x=%20y"))
        #expect(service.handler?.heads.map(\.uri) == ["/apps/1/a%2Fb?x=%20y"])
        #expect(door.text.hasSuffix("\r\n\r\nabc"))
        #expect(!door.text.contains("Connection"))
        try door.receive(Self.post("defg"))
        #expect(door.statuses == [200, 200])
        #expect(door.text.hasSuffix("\r\n\r\ndefg"))
        #expect(service.attachments == 1)
        #expect(door.channel.isActive)
        #expect(door.requests.isEmpty)
    }

    @Test("What it does not claim is answered as without it, before and after, and costs nothing of it")
    func unclaimed() throws {
        let (door, service) = try Self.door()
        try door.receive(Self.get)
        #expect(service.attachments == 0)
        try door.receive(Self.post("abc"))
        try door.receive(Self.get)
        #expect(door.requests.map { String($0.path) } == ["/plain", "/plain"])
        #expect(door.statuses == [200, 200, 200])
    }

    @Test("Pipelined requests with and without bodies, cut anywhere, are answered in order (RFC 9112 §9.3.2)")
    func pipelined() throws {
        let request =
            Self.post("one") + Self.get + Self.post("") + Self.post("two") + "GET /apps/1 HTTP/1.1\r\nHost: a\r\n\r\n"
            + Self.post("three")
        let bytes = Array(request.utf8)
        let whole = try Self.door().0
        try whole.receive(bytes)
        #expect(whole.statuses == [200, 200, 200, 200, 200, 200])
        for cut in 1..<bytes.count {
            let (door, service) = try Self.door()
            try door.receive(Array(bytes[..<cut]))
            try door.receive(Array(bytes[cut...]))
            #expect(door.text == whole.text, "cut at \(cut)")
            #expect(service.handler?.ends == 5)
            #expect(service.handler?.readsEnded == 5, "the end of the read is told, too: cut at \(cut)")
        }
        let (door, _) = try Self.door()
        for byte in bytes { try door.receive([byte]) }
        #expect(door.text == whole.text)
    }

    @Test("One request at a time: the next waits, unread, until the answer to the first has left")
    func onePerTime() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        try door.receive(Self.post("one") + Self.post("two"))
        #expect(service.handler?.ends == 1)
        let reads = door.wire.reads
        door.channel.read()
        #expect(door.wire.reads == reads)
        door.wire.isBlocked = true
        service.handler?.answer(200, "first")
        door.eventLoop.run()
        #expect(service.handler?.ends == 1)
        door.wire.isBlocked = false
        door.wire.complete()
        door.eventLoop.run()
        #expect(service.handler?.ends == 2)
        #expect(service.handler?.body == Array("two".utf8))
        #expect(door.wire.reads == reads)
        service.handler?.answer(200, "second")
        door.eventLoop.run()
        #expect(door.statuses == [200, 200])
        #expect(door.wire.reads > reads)
    }

    @Test("A thousand pipelined requests in one read do not pile up (catalogue row 30)")
    func manyPipelined() throws {
        let (door, service) = try Self.door()
        try door.receive(String(repeating: Self.post("x"), count: 1000))
        door.advance(20)  // they take turns
        #expect(service.handler?.ends == 1000)
        #expect(door.channel.isActive)
    }

    @Test("A body in chunks is passed on; what follows it is not looked at, and the connection ends with the answer")
    func chunked() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        let head = "POST /apps/1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        try door.receive(head + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" + Self.post("smuggled") + "\u{1}nonsense\r\n\r\n")
        #expect(service.handler?.heads.count == 1)
        #expect(service.handler?.body == Array("abcde".utf8))
        service.handler?.answer(200, "ok")
        door.eventLoop.run()
        #expect(door.statuses == [200])
        #expect(door.text.contains("Connection: close\r\n"))
        #expect(door.wire.outputEnds == 1)
        #expect(service.handler?.heads.count == 1)
    }

    @Test("A body past its limit gets 413 before it is read (catalogue row 143, RFC 9110 §15.5.14)")
    func longBody() throws {
        let (door, service) = try Self.door { $0.http.maximumBodyBytes = 200 }
        try door.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 201\r\n\r\n")
        #expect(door.statuses == [413])
        #expect(service.attachments == 0)
        #expect(door.wire.outputEnds == 1)

        let (exact, _) = try Self.door { $0.http.maximumBodyBytes = 200 }
        try exact.receive(Self.post(String(repeating: "a", count: 200)))
        #expect(exact.statuses == [200])
    }

    @Test("So does one in chunks, when it has become too long; the service hears that nothing more comes")
    func longChunkedBody() throws {
        let (door, service) = try Self.door { $0.http.maximumBodyBytes = 200 }
        try door.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<30 { try door.receive("a\r\n0123456789\r\n") }
        #expect(door.statuses == [413])
        #expect(service.handler?.ends == 0)
        #expect(service.handler?.errors.count == 1)
        #expect(service.handler?.errors.first as? HTTPServiceError == .requestRefused)
        // What it writes now leads nowhere, and what it closes is closed when the client has its answer.
        service.handler?.answer(200, "late")
        service.handler?.close()
        #expect(door.statuses == [413])
        #expect(door.channel.isActive)
        door.advance(1000)
        #expect(!door.channel.isActive)
    }

    @Test("A body that trickles gets 408 after 30 s, its head after 10 s (catalogue row 32)")
    func slowBody() throws {
        let (head, _) = try Self.door()
        try head.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-")
        head.advance(10_000)
        #expect(head.statuses == [408])

        let (door, service) = try Self.door()
        try door.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        for _ in 0..<5 {
            door.advance(5_999)
            try door.receive("a")
        }
        #expect(door.statuses == [])
        door.advance(5)
        #expect(door.statuses == [408])
        #expect(door.wire.outputEnds == 1)
        #expect(service.handler?.errors.count == 1)
    }

    @Test("The service may take its time; a client that does not take the answer may not")
    func slowAnswer() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        try door.receive(Self.post("abc"))
        door.advance(600_000)
        #expect(door.channel.isActive)
        door.wire.isBlocked = true
        service.handler?.begin(.ok)
        service.handler?.write("part")
        door.advance(29_999)
        #expect(door.channel.isActive)
        door.wire.isBlocked = false
        door.wire.complete()
        door.advance(600_000)
        #expect(door.channel.isActive)
        door.wire.isBlocked = true
        service.handler?.write("part")
        door.advance(30_000)
        #expect(!door.channel.isActive)
        #expect(service.handler?.isInactive != false)
    }

    @Test("A connection is kept for 75 s after an answer, and a request that has begun has its usual time")
    func keptAlive() throws {
        let (door, _) = try Self.door()
        try door.receive(Self.post("abc"))
        door.advance(74_999)
        #expect(door.channel.isActive)
        try door.receive("P")
        door.advance(9_999)
        #expect(door.statuses == [200])
        door.advance(1)
        #expect(door.statuses == [200, 408])

        let (silent, _) = try Self.door()
        try silent.receive(Self.post("abc"))
        silent.advance(75_000)
        #expect(!silent.channel.isActive)
        #expect(silent.statuses == [200])
    }

    @Test("After 10,000 requests the connection is closed, counted over both kinds (catalogue row 36)")
    func manyRequests() throws {
        let (door, service) = try Self.door { $0.http.maximumRequests = 4 }
        try door.receive(Self.post("a") + Self.get + Self.post("b"))
        #expect(!door.text.contains("Connection: close"))
        try door.receive(Self.post("c") + Self.post("d"))
        #expect(door.statuses == [200, 200, 200, 200])
        #expect(door.text.hasSuffix("Connection: close\r\n\r\nc"))
        #expect(door.wire.outputEnds == 1)
        #expect(service.handler?.ends == 3)
        #expect(HTTPLimits().maximumRequests == 10_000)
    }

    @Test("A client that says Connection: close, or speaks HTTP/1.0, gets its answer and the end")
    func notKept() throws {
        let (door, _) = try Self.door()
        try door.receive(Self.post("a", fields: "Connection: keep-alive, close\r\n") + Self.post("b"))
        #expect(door.statuses == [200])
        #expect(door.wire.outputEnds == 1)

        let (old, service) = try Self.door(answersAtOnce: false)
        try old.receive("POST /apps/1/events HTTP/1.0\r\nContent-Length: 1\r\n\r\na")
        service.handler?.begin(.ok)
        service.handler?.write("no chunks for it")
        service.handler?.end()
        old.eventLoop.run()
        #expect(old.text.hasPrefix("HTTP/1.0 200 OK\r\n"))
        #expect(old.text.hasSuffix("\r\n\r\nno chunks for it"))
        #expect(!old.text.contains("chunked"))
        #expect(old.wire.outputEnds == 1)
    }

    @Test("A body is taken only when the service admits its head, and inside the node's budget")
    func admission() throws {
        let (door, service) = try Self.door()
        service.admission = .refused(.text(401, "unsigned"))
        try door.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n")
        #expect(door.statuses == [401])
        #expect(service.attachments == 0)
        #expect(service.admissions == [20000])
        #expect(door.state.bodies.taken == 0)

        // A short body is skipped, and the connection stays.
        let (short, skipped) = try Self.door()
        skipped.admission = .refused(.text(401, "unsigned"))
        try short.receive(Self.post("abc") + Self.get + Self.post("defg"))
        #expect(short.statuses == [401, 200, 401])
        #expect(short.channel.isActive)
        #expect(skipped.attachments == 0 && short.state.bodies.taken == 0)

        let (full, _) = try Self.door { $0.bodyBudget = 256 }
        try full.receive(Self.post(String(repeating: "a", count: 100)))
        try full.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 129\r\n\r\n")
        #expect(full.statuses == [200, 503])
        #expect(full.text.contains("Retry-After: 1\r\n"))
        #expect(full.text.contains("as many request bodies for this app as it may"))
        #expect(full.state.bodies.taken == 0)
        let (last, _) = try Self.door { $0.bodyBudget = 64 }
        try last.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 129\r\n\r\n")
        #expect(last.statuses == [503] && last.text.contains("as many request bodies as it may"))

        let (chunks, other) = try Self.door { $0.bodyBudget = 64 }
        try chunks.receive("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        try chunks.receive("a\r\n0123456789\r\n")
        #expect(other.admissions == [nil])
        #expect(chunks.state.bodies.taken == 16)
        for _ in 0..<3 { try chunks.receive("a\r\n0123456789\r\n") }
        #expect(chunks.statuses == [503])
        #expect(chunks.state.bodies.taken == 0)
    }

    @Test("The budget of bodies says whether all of it is taken or an owner's share")
    func bodyShortage() throws {
        let budget = RequestBodyBudget(bytes: 256)
        try budget.take(128, for: "a")
        #expect(throws: BodyShortage.share) { try budget.take(1, for: "a") }
        try budget.take(64, for: "b")
        #expect(throws: BodyShortage.share) { try budget.take(64, for: "c") }
        #expect(throws: BodyShortage.budget) { try budget.take(65, for: "c") }
        #expect(throws: BodyShortage.budget) { try budget.take(.max, for: "c") }
        try budget.take(32, for: "c")
        #expect(budget.taken == 224)
    }

    @Test("A request for an upgrade on a path of the service is an ordinary request (RFC 9110 §7.8)")
    func upgradeIgnored() throws {
        let (door, service) = try Self.door()
        try door.receive(RawPeer.request("/apps/1/channels") + Self.get)
        #expect(door.statuses == [200])
        #expect(service.handler?.heads.count == 1)
        // The decoder would not see another one.
        #expect(door.text.contains("Connection: close\r\n"))
        #expect(door.wire.outputEnds == 1)
    }

    @Test("Expect: 100-continue is met at once, and not where the request is refused (RFC 9110 §10.1.1)")
    func expectations() throws {
        let head = "POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: "
        let (door, _) = try Self.door { $0.http.maximumBodyBytes = 10 }
        try door.receive(head + "100-Continue\r\n\r\n")
        #expect(door.text == "HTTP/1.1 100 Continue\r\n\r\n")
        try door.receive("abc")
        #expect(door.statuses == [100, 200])
        #expect(door.text.hasSuffix("abc"))
        try door.receive(Self.post("d"))
        #expect(door.statuses == [100, 200, 200])

        let (long, _) = try Self.door { $0.http.maximumBodyBytes = 2 }
        try long.receive(head + "100-continue\r\n\r\n")
        #expect(long.statuses == [413])

        let (other, service) = try Self.door()
        try other.receive(head + "fireworks\r\n\r\nabc")
        #expect(other.statuses == [417])
        #expect(service.attachments == 0)
    }

    @Test("An answer that comes before the body has arrived waits for nobody, and the next request is found")
    func earlyAnswer() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        let request = Self.post("abcdef")
        try door.receive(String(request.dropLast(3)))
        service.handler?.answer(401, "no")
        door.eventLoop.run()
        #expect(door.statuses == [401])
        try door.receive("def" + Self.post("x"))
        #expect(service.handler?.ends == 2)
        service.handler?.answer(200, "yes")
        door.eventLoop.run()
        #expect(door.statuses == [401, 200])

        // The rest of the body has its deadline all the same, and there is nothing more to be said.
        let (slow, other) = try Self.door(answersAtOnce: false)
        try slow.receive(String(request.dropLast(3)))
        other.handler?.answer(401, "no")
        slow.advance(30_000)
        #expect(slow.statuses == [401])
        #expect(!slow.channel.isActive)
    }

    @Test("A service that gives up before it answers is answered for with 500; one in the middle ends the connection")
    func givesUp() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        try door.receive(Self.post("abc"))
        service.handler?.close()
        door.eventLoop.run()
        #expect(door.statuses == [500])
        #expect(door.wire.outputEnds == 1)
        door.advance(1000)
        #expect(!door.channel.isActive)

        let (middle, other) = try Self.door(answersAtOnce: false)
        try middle.receive(Self.post("abc"))
        other.handler?.begin(.ok, [("Content-Length", "100")])
        other.handler?.close()
        #expect(!middle.channel.isActive)
    }

    @Test("A service that ends its output behind its answer does not cut the answer off")
    func endsOutput() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        try door.receive(Self.post("abc", fields: "Connection: close\r\n"))
        door.wire.isBlocked = true
        service.handler?.answer(200, "ok")
        service.handler?.close(.output)
        service.handler?.close()
        #expect(door.channel.isActive)
        #expect(door.wire.outputEnds == 0)
        door.wire.isBlocked = false
        door.wire.complete()
        door.eventLoop.run()
        #expect(door.wire.outputEnds == 1)
        door.advance(1000)
        #expect(!door.channel.isActive)
    }

    @Test("An answer to HEAD has no body, whatever the service writes (RFC 9110 §9.3.2)")
    func head() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        try door.receive("HEAD /apps/1/channels HTTP/1.1\r\nHost: a\r\n\r\n")
        service.handler?.answer(405, "not here")
        door.eventLoop.run()
        #expect(door.statuses == [405])
        #expect(door.text.contains("Content-Length: 8\r\n"))
        #expect(door.text.hasSuffix("\r\n\r\n"))
        try door.receive(Self.post("abc"))
        #expect(service.handler?.ends == 2)
    }

    @Test(
        "A request in bad order never reaches it",
        arguments: [
            ("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde", 400),
            ("POST /apps/1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("POST /apps/1/events HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
            ("POST /apps/1/events?" + String(repeating: "a", count: 5000), 414),
            ("POST /apps/1/events HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a:b\r\n", count: 101) + "\r\n", 431),
        ])
    func refused(_ request: String, _ status: Int) throws {
        let (door, service) = try Self.door()
        try door.receive(request)
        #expect(door.statuses == [status])
        #expect(service.attachments == 0)
        #expect(door.wire.outputEnds == 1)
    }

    @Test("Chunks that are none, and too many trailer fields, are refused with what was begun")
    func badChunks() throws {
        let head = "POST /apps/1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        for (rest, status) in [
            ("FFFFFFFFFFFFFFFFFF\r\n", 400), ("zz\r\n", 400),
            ("0\r\n" + String(repeating: "a: b\r\n", count: 101) + "\r\n", 431),
        ] {
            let (door, service) = try Self.door()
            try door.receive(head)
            try door.receive(rest)
            #expect(door.statuses == [status])
            #expect(service.handler?.errors.count == 1)
            #expect(service.handler?.ends == 0)
        }
    }

    @Test("A client that ends its side in the middle of a body is not served; one behind its request is")
    func halfClosed() throws {
        let (door, service) = try Self.door()
        try door.receive(String(Self.post("abc").dropLast()))
        door.endInput()
        #expect(service.handler?.ends == 0)
        #expect(service.handler?.errors.count == 1)
        #expect(door.statuses == [400])

        let (whole, other) = try Self.door(answersAtOnce: false)
        try whole.receive(Self.post("abc"))
        whole.endInput()
        #expect(whole.channel.isActive)
        other.handler?.answer(200, "ok")
        whole.eventLoop.run()
        #expect(whole.statuses == [200])
        #expect(!whole.channel.isActive)
    }

    @Test("A server that stops lets the service answer what it has, and keeps no connection for more")
    func stopping() throws {
        let (door, service) = try Self.door(answersAtOnce: false)
        try door.receive(Self.post("abc") + Self.post("def"))
        door.loop.stop(Farewell(CloseFrame(code: .goingAway)))
        #expect(!door.loop.isIdle)
        #expect(door.channel.isActive)
        service.handler?.answer(200, "ok")
        door.eventLoop.run()
        #expect(door.statuses == [200])
        #expect(door.text.contains("Connection: close\r\n"))
        #expect(door.loop.isIdle)

        let (idle, _) = try Self.door()
        try idle.receive(Self.post("abc"))
        idle.loop.stop(Farewell(CloseFrame(code: .goingAway)))
        #expect(!idle.channel.isActive)

        let (stuck, _) = try Self.door(answersAtOnce: false)
        try stuck.receive(Self.post("abc"))
        stuck.loop.stop(Farewell(CloseFrame(code: .goingAway)))
        stuck.loop.cutOff()
        #expect(!stuck.channel.isActive)
    }

    @Test("Nothing is kept of a connection that has left in the middle of a request")
    func freed() throws {
        weak var visitor: FrontDoorHandler?
        weak var handler: EmbeddedService.Handler?
        do {
            let (door, service) = try Self.door(answersAtOnce: false)
            try door.receive(Self.post("abc"))
            visitor = door.loop.visitors.values.first
            handler = service.handler
            #expect(visitor != nil && handler != nil)
            visitor?.close()
            door.eventLoop.run()
            door.advance(1_100)
            #expect(door.loop.visitors.isEmpty)
        }
        #expect(visitor == nil)
        #expect(handler == nil)
    }
}
