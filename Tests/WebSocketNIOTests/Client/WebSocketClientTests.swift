import NIOCore
import NIOPosix
import Testing
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Connecting as a client", .timeLimit(.minutes(5)))
struct WebSocketClientTests {
    private func client(
        _ configure: (inout WebSocketClientConfiguration) -> Void = { _ in }
    ) -> WebSocketClient {
        var configuration = WebSocketClientConfiguration.wide
        configure(&configuration)
        return WebSocketClient(configuration: configuration)
    }

    /// Connects to a server that answers the request with `answer`, and gives the error; the server sees the end.
    private func failure(
        _ client: WebSocketClient, _ answer: @escaping @Sendable (String) -> String
    ) async throws -> any Error {
        let server = try await RawServer()
        defer { Task { await server.stop() } }
        let connecting = Task { try await client.connect(to: "ws://127.0.0.1:\(server.port)/") }
        let peer = try await server.peers.next()
        let request = try await peer.head()
        peer.post(Array(answer(request).utf8))
        do {
            _ = try await within(what: "a failure") { try await connecting.value }
        } catch {
            _ = try await peer.rest()
            return error
        }
        Issue.record("connected")
        return TimedOut(what: "a failure")
    }

    private func within<T: Sendable>(
        what: String, _ body: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        try await WebSocketNIOTests.within(patience, what, body)
    }

    @Test("The request is in order (RFC 6455 §4.1)")
    func request() async throws {
        let server = try await RawServer()
        let client = client {
            $0.origin = "http://example.com"
            $0.subprotocols = ["a", "b"]
            $0.fields = [(name: "Authorization", value: "Bearer x")]
        }
        let connecting = Task { try await client.connect(to: "ws://127.0.0.1:\(server.port)/path?x=1") }
        let peer = try await server.peers.next()
        let head = try await peer.head()
        #expect(head.hasPrefix("GET /path?x=1 HTTP/1.1\r\n"))
        #expect(head.field("Host") == "127.0.0.1:\(server.port)")
        #expect(head.field("Origin") == "http://example.com")
        #expect(head.field("Sec-WebSocket-Version") == "13")
        #expect(head.field("Sec-WebSocket-Protocol") == "a, b")
        #expect(head.field("Authorization") == "Bearer x")
        #expect(head.field("Sec-WebSocket-Extensions") == nil)
        #expect(!head.contains("Transfer-Encoding") && !head.contains("Content-Length"))
        try await peer.send(RawHandshake.answer(to: head, fields: "Sec-WebSocket-Protocol: b\r\n"))
        let socket = try await connecting.value
        #expect(socket.subprotocol == "b")
        try await socket.send("x")
        #expect(try await peer.frame() == WireFrame(opcode: 1, payload: [0x78], isMasked: true))
        await server.stop()
    }

    @Test("Where nothing listens, the system's error comes at once", arguments: ["127.0.0.1", "localhost"])
    func nothingListens(_ host: String) async throws {
        let server = try await RawServer()
        let port = server.port
        await server.stop()
        do {
            let client = client()
            _ = try await within(what: "a failure") { try await client.connect(to: "ws://\(host):\(port)/") }
            Issue.record("connected")
        } catch {
            #expect((error as? IOError)?.errnoCode == ECONNREFUSED)
        }
    }

    @Test("A name that stands for several addresses is tried through")
    func localhost() async throws {
        try await withServer { server in
            let port = server.port
            let socket = try await client().connect(to: "ws://localhost:\(port)/")
            try await socket.send("a")
            #expect(await socket.receive() == .text("a"))
            #expect(await socket.close().wasClean)
        }
    }

    @Test(
        "An ordinary web server's answer is an error that tells the status", arguments: [200, 301, 401, 404, 426, 503])
    func otherStatus(_ status: Int) async throws {
        let error = try await failure(client()) { _ in "HTTP/1.1 \(status) X\r\nContent-Length: 2\r\n\r\nno" }
        #expect((error as? HandshakeFailure)?.status == status)
    }

    @Test("The wrong accept value is an error (RFC 6455 §4.1)")
    func wrongAccept() async throws {
        let error = try await failure(client()) {
            RawHandshake.answer(to: $0).replacing("Sec-WebSocket-Accept: ", with: "Sec-WebSocket-Accept: x")
        }
        #expect(error as? HandshakeFailure == .acceptMismatch)
    }

    @Test("A subprotocol or an extension that was not offered is an error (RFC 6455 §4.1)")
    func notOffered() async throws {
        let subprotocol = try await failure(client { $0.subprotocols = ["chat"] }) {
            RawHandshake.answer(to: $0, fields: "Sec-WebSocket-Protocol: other\r\n")
        }
        #expect(subprotocol as? HandshakeFailure == .subprotocolNotOffered)
        let named = try await failure(client()) {
            RawHandshake.answer(to: $0, fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n")
        }
        #expect(named as? HandshakeFailure == .extensionNotOffered)
        let window = try await failure(
            client { $0.compression = DeflateConfiguration(mode: .dedicated, clientMaxWindowBits: 10) }
        ) {
            RawHandshake.answer(
                to: $0, fields: "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15\r\n")
        }
        #expect(window is DeflateNegotiationError)
    }

    @Test("A head of more than 16 KiB is an error")
    func longHead() async throws {
        let error = try await failure(client()) { _ in
            "HTTP/1.1 101 X\r\nA: " + String(repeating: "a", count: 20_000) + "\r\n\r\n"
        }
        #expect(error as? WebSocketError == .responseTooLong)
    }

    @Test("What is not HTTP is an error at once", arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "\u{15}\u{3}\u{1}", "HTXX"])
    func notHTTP(_ answer: String) async throws {
        let error = try await failure(client()) { _ in answer }
        #expect(error as? WebSocketError == .responseInvalid)
    }

    @Test("A broken head is an error", arguments: ["HTTP/1.1 abc\r\n\r\n", "HTTP/9\r\n\r\n"])
    func brokenHead(_ answer: String) async throws {
        let error = try await failure(client()) { _ in answer }
        #expect(error as? WebSocketError == .responseInvalid)
    }

    @Test("A server that accepts and never answers is given up at the deadline, and the connection with it")
    func neverAnswers() async throws {
        let server = try await RawServer()
        let client = client { $0.connectTimeout = 1_000 }
        await #expect(throws: WebSocketError.connectTimeout) {
            _ = try await within(what: "the deadline") {
                try await client.connect(to: "ws://127.0.0.1:\(server.port)/")
            }
        }
        let peer = try await server.peers.next()
        _ = try await peer.head()
        #expect(try await peer.rest() == [])
        await server.stop()
    }

    @Test("A server that closes before it has answered is an error", arguments: [true, false])
    func closesEarly(_ isReset: Bool) async throws {
        let server = try await RawServer()
        let connecting = Task { [client = client()] in try await client.connect(to: "ws://127.0.0.1:\(server.port)/") }
        let peer = try await server.peers.next()
        _ = try await peer.head()
        try await peer.send("HTTP/1.1 101 Sw")
        if isReset { try await peer.reset() } else { peer.close() }
        do {
            _ = try await within(what: "a failure") { try await connecting.value }
            Issue.record("connected")
        } catch {
            #expect(error as? WebSocketError == .connectionClosedDuringHandshake || error is IOError)
        }
        await server.stop()
    }

    @Test("A URL of TLS or of no WebSocket at all is refused before anything is sent")
    func urls() async throws {
        await #expect(throws: WebSocketError.tlsUnavailable) { try await client().connect(to: "wss://127.0.0.1:1/") }
        await #expect(throws: InvalidWebSocketURL.self) { try await client().connect(to: "http://127.0.0.1:1/") }
        await #expect(throws: InvalidWebSocketURL.self) { try await client().connect(to: "ws://127.0.0.1:1/#a") }
    }

    @Test("A field that can not be sent is an error, and nothing is sent")
    func invalidField() async throws {
        try await withServer { server in
            let url = server.url
            await #expect(throws: HandshakeFailure.self) {
                try await client { $0.fields = [(name: "A", value: "b\r\nC: d")] }.connect(to: url)
            }
        }
    }

    @Test("Frames in the same segment as the 101 are all there, whole or not, wherever the bytes are cut")
    func earlyFrames() async throws {
        let server = try await RawServer()
        let frames = WireFrame.text("one").bare + WireFrame.ping("p").bare + WireFrame.text("two").bare
        for early in [0, 1, 5, 8, frames.count] {
            let log = SessionLog()
            let connecting = Task { [client = client()] in
                try await client.connect(to: "ws://127.0.0.1:\(server.port)/") { LoggingSession(log, subprotocol: $0) }
            }
            let peer = try await server.peers.next()
            let answer = Array(RawHandshake.answer(to: try await peer.head()).utf8)
            try await peer.send(answer + frames[..<early])
            try await connecting.value
            try await peer.send(Array(frames[early...]))
            #expect(try await log.message() == .text("one"))
            #expect(try await log.message() == .text("two"))
            #expect(try await peer.frame().payload == Array("p".utf8))
        }
        await server.stop()
    }

    @Test("A server that says all it has to say with its 101, and ends, is heard and left at once")
    func hastyServer() async throws {
        let server = try await RawServer()
        let log = SessionLog()
        let connecting = Task { [client = client { $0.limits.closeTimeout = 60_000 }] in
            try await client.connect(to: "ws://127.0.0.1:\(server.port)/") { LoggingSession(log, subprotocol: $0) }
        }
        let peer = try await server.peers.next()
        let answer = Array(RawHandshake.answer(to: try await peer.head()).utf8)
        peer.post(answer + WireFrame.text("all").bare + WireFrame.close(1001, "gone").bare)
        try await peer.endOutput()
        try await connecting.value
        #expect(try await log.message() == .text("all"))
        #expect(try await log.outcome() == CloseOutcome(code: .goingAway, reason: "gone", wasClean: true))
        #expect(try await peer.frame().opcode == 8)
        #expect(try await peer.rest() == [])
        await server.stop()
    }

    @Test("An answer that is not the last word, a 1xx, is passed over (RFC 9110 §15.2)")
    func informational() async throws {
        let server = try await RawServer()
        let connecting = Task { [client = client()] in try await client.connect(to: "ws://127.0.0.1:\(server.port)/") }
        let peer = try await server.peers.next()
        let answer = RawHandshake.answer(to: try await peer.head())
        try await peer.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer)
        let socket = try await within(what: "the connection") { try await connecting.value }
        try await peer.send(WireFrame.text("a").bare)
        #expect(await socket.receive() == .text("a"))
        await server.stop()
    }

    @Test("A masked frame from a server breaks the protocol (RFC 6455 §5.1)")
    func maskedFrame() async throws {
        let server = try await RawServer()
        let log = SessionLog()
        let connecting = Task { [client = client()] in
            try await client.connect(to: "ws://127.0.0.1:\(server.port)/") { LoggingSession(log, subprotocol: $0) }
        }
        let peer = try await server.peers.next()
        try await peer.send(Array(RawHandshake.answer(to: try await peer.head()).utf8) + WireFrame.text("a").masked)
        try await connecting.value
        #expect(try await peer.frame().payload.prefix(2) == [0x03, 0xEA])
        #expect(try await log.outcome().code == .protocolError)
        await server.stop()
    }
}
