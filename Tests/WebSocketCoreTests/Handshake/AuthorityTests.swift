import Testing

@testable import WebSocketCore

@Suite("Host and port (RFC 3986 §3.2)", .timeLimit(.minutes(5)))
struct AuthorityTests {
    @Test(
        "Hosts with and without a port are read",
        arguments: [
            ("server.example.com", "server.example.com", nil), ("localhost:8080", "localhost", 8080),
            ("127.0.0.1:1", "127.0.0.1", 1), ("[::1]", "::1", nil), ("[::1]:65535", "::1", 65_535),
            ("[::ffff:1.2.3.4]:80", "::ffff:1.2.3.4", 80), ("[1:2:3:4:5:6:7::]", "1:2:3:4:5:6:7::", nil),
            ("example.com:", "example.com", nil), ("a_b-c.d~", "a_b-c.d~", nil), ("a%20b", "a%20b", nil),
            ("a(),;=!$&'*+", "a(),;=!$&'*+", nil),
        ] as [(String, String, Int?)]
    )
    func valid(text: String, host: String, port: Int?) throws {
        let authority = try #require(Authority(text[...]))
        #expect(authority.host == host)
        #expect(authority.port == port)
        #expect(authority.isIPv6 == text.hasPrefix("["))
    }

    @Test(
        "Everything else is refused",
        arguments: [
            "", ":", ":80", "a:b", "a:-1", "a:+1", "a:0", "a:080", "a:65536", "a:99999999999999999999", "a:1:2",
            "a b", "a/b", "a?b", "a#b", "user@a", "u:p@a", "a\\b", "a^b", "a`b", "a|b", "a<b", "a\"b", "a%2", "a%zz",
            "\u{E9}.example", "a\u{0}", "a\r\n", "[", "[]", "[::1", "::1", "[::1]x", "[::1]80", "[::1%eth0]", "[v1.a]",
            "[g::1]", "[1]", "[::::::::::]", "a[::1]", "[::1]:a",
        ]
    )
    func invalid(text: String) {
        #expect(Authority(text[...]) == nil)
    }

    @Test("A plain host has letters, digits, '-', '.', '_', or is IPv6")
    func plain() {
        for host in ["a-1.B_c", "[::1]"] { #expect(Authority(host[...])?.isPlain == true) }
        for host in ["a%20b", "a~", "a*b", "a,b", "a;b", "a=b"] { #expect(Authority(host[...])?.isPlain == false) }
    }
}
