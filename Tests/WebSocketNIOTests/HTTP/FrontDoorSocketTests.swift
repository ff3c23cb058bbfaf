import NIOCore
import Testing
import WebSocketCore
import WebSocketNIO

@Suite("The front door over real sockets", .timeLimit(.minutes(5)))
struct FrontDoorSocketTests {
    private static let get = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("Pipelined requests are answered in order, and the connection stays open")
    func pipelining() async throws {
        try await withServer(configure: { configuration in
            configuration.respond = { HTTPAnswer.text(200, String($0.path)) }
        }) { server in
            let peer = try await RawPeer.connect(port: server.port)
            let paths = (0..<50).map { "/plain\($0)" }
            try await peer.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            for path in paths {
                #expect(try await peer.head().hasPrefix("HTTP/1.1 200 "))
                #expect(try await peer.bytes(path.utf8.count + 1) == Array("\(path)\n".utf8))
            }
            try await peer.send(RawPeer.request())
            #expect(try await peer.head().hasPrefix("HTTP/1.1 101 "))
        }
    }

    @Test("A client that does not take its answers is not read further, and gets them all when it does")
    func unreadAnswers() async throws {
        let page = [UInt8](repeating: 0x70, count: 1_000_000)
        try await withServer(configure: { $0.respond = { _ in HTTPAnswer(status: 200, body: page) } }) { server in
            let peer = try await RawPeer.connect(port: server.port, isReading: false)
            peer.post(Array(String(repeating: Self.get, count: 20).utf8))
            try await peer.endOutput()
            try await peer.setReading(true)
            for _ in 0..<20 {
                #expect(try await peer.head().contains("Content-Length: 1000000\r\n"))
                #expect(try await peer.bytes(page.count) == page)
            }
            #expect(try await peer.rest() == [])
        }
    }

    @Test("Half a request gets 408 and the end, a silent visitor the end alone")
    func deadline() async throws {
        try await withServer(configure: { $0.http.requestTimeout = 2_000 }) { server in
            let slow = try await RawPeer.connect(port: server.port)
            let silent = try await RawPeer.connect(port: server.port)
            try await slow.send("GET / HT")
            #expect(try await slow.head().hasPrefix("HTTP/1.1 408 "))
            _ = try await slow.rest()
            #expect(try await silent.rest() == [])
        }
    }

    @Test(
        "A refusal can be read even while the client goes on sending",
        arguments: [
            ("GET /" + String(repeating: "a", count: 5_000), 414),
            ("GET / HTTP/1.1\r\nA: " + String(repeating: "a", count: 20_000), 431),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n", 413),
            ("nonsense\r\n\r\n", 400),
        ])
    func refusedWhileSending(_ request: String, _ status: Int) async throws {
        try await withServer { server in
            let peer = try await RawPeer.connect(port: server.port)
            peer.post(Array(request.utf8))
            for _ in 0..<10 { peer.post([UInt8](repeating: 0x61, count: 60_000)) }
            let answer = String(decoding: try await peer.rest(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.hasSuffix("\n"))
            #expect(peer.error == nil)
        }
    }

    @Test("A client that leaves in the middle of a request leaves nothing behind", arguments: [true, false])
    func leaves(_ isReset: Bool) async throws {
        try await withServer { server in
            let peer = try await RawPeer.connect(port: server.port)
            try await peer.send("GET / HTTP/1.1\r\nHo")
            if isReset { try await peer.reset() } else { try await peer.endOutput() }
            if !isReset { _ = try await peer.rest() }
            let next = try await RawPeer.connect(port: server.port)
            try await next.send(Self.get)
            #expect(try await next.head().hasPrefix("HTTP/1.1 404 "))
        }
    }
}
