import Testing
import WebSocketCore

@Suite("WebSocket URLs (RFC 6455 §3)", .timeLimit(.minutes(5)))
struct WebSocketURLTests {
    @Test(
        "Good URLs are taken apart",
        arguments: [
            ("ws://example.com", .ws, "example.com", 80, "/", "example.com"),
            ("ws://example.com/", .ws, "example.com", 80, "/", "example.com"),
            ("WSS://Example.COM/Chat", .wss, "example.com", 443, "/Chat", "example.com"),
            ("ws://example.com:80/", .ws, "example.com", 80, "/", "example.com"),
            ("ws://example.com:443/", .ws, "example.com", 443, "/", "example.com:443"),
            ("wss://example.com:443/", .wss, "example.com", 443, "/", "example.com"),
            ("wss://example.com:80/", .wss, "example.com", 80, "/", "example.com:80"),
            ("ws://example.com:", .ws, "example.com", 80, "/", "example.com"),
            ("ws://127.0.0.1:8080/a/b?c=d&e", .ws, "127.0.0.1", 8080, "/a/b?c=d&e", "127.0.0.1:8080"),
            ("ws://localhost:8080?room=x", .ws, "localhost", 8080, "/?room=x", "localhost:8080"),
            ("ws://localhost?a=/@:?", .ws, "localhost", 80, "/?a=/@:?", "localhost"),
            ("ws://[::1]", .ws, "::1", 80, "/", "[::1]"),
            ("wss://[2001:DB8::1]:8443/x", .wss, "2001:db8::1", 8443, "/x", "[2001:db8::1]:8443"),
            ("ws://a/%E5%BC%A0?x[]=%20~", .ws, "a", 80, "/%E5%BC%A0?x[]=%20~", "a"),
            ("ws://xn--bcher-kva.example", .ws, "xn--bcher-kva.example", 80, "/", "xn--bcher-kva.example"),
            ("ws://a//b/../c", .ws, "a", 80, "//b/../c", "a"),
        ] as [(String, WebSocketURL.Scheme, String, Int, String, String)]
    )
    func valid(
        text: String,
        scheme: WebSocketURL.Scheme,
        host: String,
        port: Int,
        target: String,
        hostHeader: String
    ) throws {
        let url = try WebSocketURL(text)
        #expect(url.scheme == scheme)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(url.hostHeader == hostHeader)
        #expect(url.description == "\(scheme.rawValue)://\(hostHeader)\(target)")
        #expect(try WebSocketURL(url.description) == url)
    }

    @Test(
        "Bad URLs are refused for what is bad in them",
        arguments: [
            ("", .scheme), ("example.com", .scheme), ("http://example.com", .scheme), ("wsx://a", .scheme),
            ("ws:a", .scheme), ("ws:/a", .scheme), (" ws://a", .scheme), ("://a", .scheme), ("w\u{455}://a", .scheme),
            ("ws://", .host), ("ws:///a", .host), ("ws://?a", .host), ("ws://:80", .host), ("ws://a b", .host),
            ("ws://a:0", .host), ("ws://a:65536", .host), ("ws://a:x", .host), ("ws://a:80:80", .host),
            ("ws://a\\b", .host), ("ws://b\u{FC}cher.example", .host), ("ws://a%20b", .host), ("ws://[::1", .host),
            ("ws://::1", .host), ("ws://[fe80::1%25eth0]", .host), ("ws://a\r\n", .host), ("ws://a*", .host),
            ("ws://user@a", .userInformation), ("ws://u:p@a:80/", .userInformation), ("ws://@a", .userInformation),
            ("ws://a#", .fragment), ("ws://a/#x", .fragment), ("ws://a/?x#y", .fragment), ("ws://a#@b", .fragment),
            ("ws://a/ b", .character), ("ws://a/\u{5F20}", .character), ("ws://a/\r\nX: y", .character),
            ("ws://a/\u{0}", .character), ("ws://a/%", .character), ("ws://a/%2", .character),
            ("ws://a/%zz", .character),
            ("ws://a/\"", .character), ("ws://a/<", .character), ("ws://a/\\", .character), ("ws://a/?{}", .character),
            ("ws://a/\u{301}", .character),
        ] as [(String, InvalidWebSocketURL)]
    )
    func invalid(text: String, expected: InvalidWebSocketURL) {
        #expect(throws: expected) { try WebSocketURL(text) }
    }

    @Test("Each error says something of its own, in one line")
    func descriptions() {
        let errors: [InvalidWebSocketURL] = [.scheme, .userInformation, .host, .fragment, .character]
        #expect(Set(errors.map(\.description)).count == errors.count)
        for error in errors { #expect(error.description.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }) }
    }
}
