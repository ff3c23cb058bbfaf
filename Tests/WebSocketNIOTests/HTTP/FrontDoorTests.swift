import NIOCore
import NIOEmbedded
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("The front door, on a loop whose clock a test moves", .timeLimit(.minutes(5)))
struct FrontDoorTests {
    static let get = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("An ordinary request is answered with its length, and the connection stays open (RFC 9112 §9.3)")
    func keepAlive() throws {
        let door = try EmbeddedDoor()
        try door.receive(Self.get)
        #expect(door.text == "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n/plain .....")
        try door.receive(Self.get)
        #expect(door.statuses == [200, 200])
        #expect(door.wire.outputEnds == 0)
        #expect(door.channel.isActive)
    }

    @Test("HEAD gets the head of the answer alone (RFC 9110 §9.3.2)")
    func head() throws {
        let door = try EmbeddedDoor()
        try door.receive("HEAD /plain HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(door.text == "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
    }

    @Test(
        "A client that says Connection: close, or HTTP/1.0, is answered and let go (RFC 9112 §9.6)",
        arguments: [
            "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "GET /plain HTTP/1.0\r\n\r\n",
        ])
    func connectionClose(_ request: String) throws {
        let door = try EmbeddedDoor()
        try door.receive(request + Self.get)
        #expect(door.statuses == [200])
        #expect(door.text.contains("Connection: close\r\n"))
        #expect(door.wire.outputEnds == 1)
        door.advance(1000)
        #expect(!door.channel.isActive)
    }

    @Test("Pipelined requests are answered in order, wherever the bytes are cut (RFC 9112 §9.3.2)")
    func pipelining() throws {
        let paths = ["/plain1", "/plain2", "/plain3"]
        let bytes = Array(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined().utf8)
        for cut in 0..<bytes.count {
            let door = try EmbeddedDoor()
            if cut > 0 { try door.receive(Array(bytes[..<cut])) }
            try door.receive(Array(bytes[cut...]))
            #expect(door.requests.map { String($0.path) } == paths, "cut at \(cut)")
            #expect(door.statuses == [200, 200, 200], "cut at \(cut)")
        }
        let door = try EmbeddedDoor()
        for byte in bytes { try door.receive([byte]) }
        #expect(door.requests.map { String($0.path) } == paths)
    }

    @Test("A thousand pipelined requests in one read are all answered")
    func manyPipelined() throws {
        let door = try EmbeddedDoor()
        try door.receive(String(repeating: Self.get, count: 1000))
        door.advance(20)  // they take turns
        #expect(door.requests.count == 1000)
        #expect(door.channel.isActive)
    }

    @Test("The next request waits, unread, until the answer to the first has left")
    func onePerTime() throws {
        let door = try EmbeddedDoor()
        door.wire.isBlocked = true
        try door.receive(Self.get + Self.get)
        #expect(door.requests.count == 1)
        let reads = door.wire.reads
        door.channel.read()
        #expect(door.wire.reads == reads)
        door.wire.isBlocked = false
        door.wire.complete()
        door.eventLoop.run()
        #expect(door.requests.count == 2)
        #expect(door.wire.reads > reads)
    }

    @Test("A request with a body is answered, and what follows is not taken for a request")
    func body() throws {
        let door = try EmbeddedDoor()
        try door.receive("GET /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + RawPeer.request())
        #expect(door.statuses == [200])
        #expect(door.session == nil)
        #expect(door.wire.outputEnds == 1)
    }

    @Test("Any other method gets 405 with Allow, and the end (RFC 9110 §15.5.6)", arguments: ["POST", "PUT", "get"])
    func method(_ method: String) throws {
        let door = try EmbeddedDoor()
        try door.receive("\(method) /plain HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(door.statuses == [405] || door.statuses == [400])
        if door.statuses == [405] { #expect(door.text.contains("Allow: GET, HEAD, OPTIONS\r\n")) }
        #expect(door.wire.outputEnds == 1)
    }

    @Test(
        "A request in bad order is refused with the right status, and ends the connection",
        arguments: [
            ("GET /plain HTTP/1.1\r\n\r\n", 400),
            ("GET /plain HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET /plain HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde", 400),
            ("GET /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("GET /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
            ("GET /plain HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET /plain HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
            ("GET /plain HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", 400),
            ("GET /pl\u{1}ain HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /plain\r\n\r\n", 400),
            ("GET /plain HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("\u{16}\u{3}\u{1}\u{2}", 400),
            ("GET /plain?" + String(repeating: "a", count: 5000), 414),
            ("GET /plain HTTP/1.1\r\nHost: a\r\nA: " + String(repeating: "a", count: 20000), 431),
            ("GET /plain HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a:b\r\n", count: 101) + "\r\n", 431),
        ])
    func refused(_ request: String, _ status: Int) throws {
        let whole = try EmbeddedDoor()
        try whole.receive(request)
        #expect(whole.statuses == [status] || (status == 505 && whole.statuses == [400]))
        #expect(whole.wire.outputEnds == 1)
        #expect(whole.requests.isEmpty)
        // Whatever follows is dropped, until the second is over.
        try whole.receive(Self.get)
        #expect(whole.statuses.count == 1)
        whole.advance(1000)
        #expect(!whole.channel.isActive)

        let bytewise = try EmbeddedDoor()
        for byte in request.utf8 { try bytewise.receive([byte], endsTick: false) }
        bytewise.eventLoop.run()
        #expect(bytewise.statuses == whole.statuses)
    }

    @Test("A body past its limit gets 413, also in chunks (RFC 9110 §15.5.14)")
    func longBody() throws {
        for framing in ["Content-Length: 300", "Transfer-Encoding: chunked"] {
            let door = try EmbeddedDoor { $0.http.maximumBodyBytes = 200 }
            let chunked = framing.hasPrefix("T")
            try door.receive("GET /plain HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
            let piece = chunked ? "a\r\n0123456789\r\n" : "0123456789"
            for _ in 0..<30 { try door.receive(piece) }
            #expect(door.statuses == [413])
            #expect(door.requests.isEmpty)
        }
    }

    @Test("Too many trailer fields get 431")
    func trailers() throws {
        let door = try EmbeddedDoor()
        try door.receive(
            "GET /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
                + String(repeating: "a: b\r\n", count: 101) + "\r\n")
        #expect(door.statuses == [431])
        #expect(door.requests.isEmpty)
    }

    @Test("Half a request gets 408 at the deadline, a silent visitor is let go without a word (RFC 9110 §15.5.9)")
    func deadline() throws {
        let slow = try EmbeddedDoor()
        try slow.receive("GET /plain HTTP/1.1\r\n")
        slow.advance(9_999)
        #expect(slow.text.isEmpty)
        slow.advance(1)
        #expect(slow.statuses == [408])
        #expect(slow.wire.outputEnds == 1)

        let body = try EmbeddedDoor()
        try body.receive("GET /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab")
        body.advance(10_000)
        #expect(body.statuses == [408])

        let silent = try EmbeddedDoor()
        try silent.receive("\r\n\r\n")
        silent.advance(10_000)
        #expect(silent.text.isEmpty)
        #expect(!silent.channel.isActive)
    }

    @Test("Bytes that come one by one do not move the deadline; a kept connection has its own")
    func deadlineMoves() throws {
        let door = try EmbeddedDoor()
        door.advance(9_000)
        try door.receive(Self.get)
        door.advance(74_000)
        #expect(door.channel.isActive)
        try door.receive("G")
        door.advance(9_500)
        try door.receive("E")
        #expect(door.statuses == [200])
        door.advance(500)
        #expect(door.statuses == [200, 408])
    }

    @Test("An answer that the client does not take is given up at the deadline")
    func unreadAnswer() throws {
        let door = try EmbeddedDoor()
        door.wire.isBlocked = true
        try door.receive(Self.get)
        door.advance(10_000)
        #expect(!door.channel.isActive)
    }

    @Test("A client that has ended its side still gets the answer that is on its way")
    func halfClosed() throws {
        let door = try EmbeddedDoor()
        door.wire.isBlocked = true
        try door.receive(Self.get)
        door.endInput()
        #expect(door.channel.isActive)
        door.wire.isBlocked = false
        door.wire.complete()
        door.eventLoop.run()
        #expect(!door.channel.isActive)
    }

    @Test("So does one that had sent several requests, up to the last that is whole")
    func halfClosedPipeline() throws {
        let door = try EmbeddedDoor()
        door.wire.isBlocked = true
        try door.receive(Self.get + Self.get + Self.get + "GET /pl")
        door.endInput()
        #expect(door.requests.count == 1)
        door.wire.isBlocked = false
        door.wire.complete()
        door.eventLoop.run()
        #expect(door.statuses == [200, 200, 200])
        #expect(!door.channel.isActive)
    }

    @Test("Half a request and the end of the input is the end")
    func halfRequestAndEnd() throws {
        let door = try EmbeddedDoor()
        try door.receive("GET /pl")
        door.endInput()
        #expect(door.requests.isEmpty)
        #expect(!door.channel.isActive)
    }

    @Test("An upgrade is accepted at the end of its own head only, and has no deadline afterwards")
    func upgrade() throws {
        let door = try EmbeddedDoor()
        try door.receive(RawPeer.request())
        #expect(door.statuses == [101])
        #expect(door.text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(!door.text.contains("Content-Length"))
        #expect(door.session?.events == [.opened])
        #expect(door.loop.visitors.isEmpty)
        #expect(door.loop.connections.count == 1)
        door.advance(15_000)
        #expect(door.channel.isActive)
        #expect(door.frames.isEmpty)
    }

    @Test("A handshake in bad order is refused and never becomes a connection (RFC 6455 §4.2.1)")
    func badHandshake() throws {
        let door = try EmbeddedDoor()
        let request = RawPeer.request().replacing("Version: 13", with: "Version: 8")
        try door.receive(request + RawPeer.request())
        #expect(door.statuses == [426])
        #expect(door.text.contains("Sec-WebSocket-Version: 13\r\n"))
        #expect(door.session == nil)
    }

    @Test("A server that stops takes nobody in any more")
    func stopping() throws {
        let door = try EmbeddedDoor()
        try door.receive(Array(RawPeer.request().utf8), endsTick: false)
        // Between its 101 and its first frame it still counts as a visitor.
        #expect(door.loop.visitors.count == 1 && door.loop.connections.isEmpty)
        door.loop.stop(Farewell(CloseFrame(code: .goingAway)))
        door.eventLoop.run()
        #expect(door.frames == [.close(1001)])
        #expect(door.session?.events == [.opened])
        #expect(throws: ChannelError.self) {
            try FrontDoorHandler.install(
                on: EmbeddedChannel(loop: door.eventLoop), loop: door.loop,
                configuration: WebSocketServerConfiguration { _ in nil }, state: door.state)
        }
    }

    @Test("Of requests that came together a loop takes some between two polls; the rest wait for their turn")
    func turns() throws {
        let door = try EmbeddedDoor(page: 1)
        let request = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"
        try door.receive(String(repeating: request, count: 150))
        #expect(door.statuses.count == 65, "the first one, and as many as a loop takes")
        door.endInput()
        #expect(door.channel.isActive)
        door.advance(1)
        #expect(door.statuses.count == 129)
        door.advance(1)
        #expect(door.statuses == [Int](repeating: 200, count: 150))
        #expect(!door.channel.isActive, "its client had ended its side")
    }

    @Test("Of a visitor that has left while it waits for its turn only its place in the line is kept")
    func leftWhileWaiting() throws {
        let door = try EmbeddedDoor(page: 1)
        let visitor = try #require(door.loop.visitors.values.first)
        try door.receive(String(repeating: Self.get, count: 150))
        #expect(visitor.gate.waitsForTurn && visitor.gate.held?.readableBytes ?? 0 > 0)
        _ = try? door.channel.finish()
        door.eventLoop.run()
        #expect(visitor.gate.held == nil && door.loop.visitors.isEmpty)
        door.advance(1)
        #expect(door.requests.count == 65)
    }

    @Test("Nothing is kept of a visitor that has left")
    func freed() throws {
        weak var session: EmbeddedSession?
        weak var loop: LoopContext?
        weak var visitor: FrontDoorHandler?
        do {
            let door = try EmbeddedDoor()
            visitor = door.loop.visitors.values.first
            try door.receive(RawPeer.request())
            session = door.session
            loop = door.loop
            #expect(visitor == nil)
            #expect(session != nil)
            _ = try? door.channel.finish()
            door.eventLoop.run()
            door.advance(200)
        }
        #expect(session == nil)
        #expect(loop == nil)
        do {
            let door = try EmbeddedDoor()
            try door.receive("GET / HT")
            visitor = door.loop.visitors.values.first
            loop = door.loop
            #expect(visitor != nil)
            _ = try? door.channel.finish()
            door.eventLoop.run()
            #expect(door.loop.visitors.isEmpty)
        }
        #expect(visitor == nil)
        #expect(loop == nil)
    }
}
