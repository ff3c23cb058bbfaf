import Testing
import WebSocketCore

@Suite("Origins (RFC 6455 §4.2.2, §10.2; RFC 6454)", .timeLimit(.minutes(5)))
struct OriginPolicyTests {
    @Test(
        "Any origin is allowed where there is no list",
        arguments: [[], ["null"], ["php.cn"], ["https://a", "b"], [""]])
    func any(origins: [String]) {
        #expect(OriginPolicy.any.allows(origins))
    }

    @Test("A request without an origin does not come from a page and is allowed")
    func noOrigin() throws {
        #expect(try OriginPolicy.allowList(["https://good.com"]).allows([]))
        #expect(try OriginPolicy.allowList([]).allows([]))
    }

    @Test(
        "An origin of the list is allowed",
        arguments: [
            ("https://good.com", "https://good.com"), ("https://good.com", "https://good.com:443"),
            ("https://good.com:443", "https://good.com"), ("HTTPS://Good.COM", "https://good.com"),
            ("http://good.com:80", "http://good.com"), ("ws://good.com", "ws://good.com:80"),
            ("wss://good.com:443", "wss://good.com"), ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"), ("http://[::AB]", "http://[::ab]"),
            ("http://127.0.0.1", "http://127.0.0.1"), ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("https://*.example.com", "https://a.example.com"),
            ("https://*.EXAMPLE.com:443", "https://b-1.example.com"),
            ("https://*.example.com:8443", "https://a.example.com:8443"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("null", "null"), ("php.cn", "php.cn"), ("file://", "file://"),
        ]
    )
    func allowed(entry: String, origin: String) throws {
        #expect(try OriginPolicy.allowList([entry]).allows([origin]))
        #expect(try OriginPolicy.allowList(["https://other.example", entry]).allows([origin]))
        #expect(try !OriginPolicy.allowList([]).allows([origin]))
    }

    @Test(
        "An origin that is not exactly one of the list is refused",
        arguments: [
            "null", "", "*", "https://good.com.evil.com", "https://goodXcom", "http://good.com", "https://good.com:444",
            "https://good.com:80", "https://user@good.com", "https://user:x@good.com", "https://good.com@evil.com",
            "https://good.com#@evil.com", "https://evil.com/https://good.com", "https://evilgood.com",
            "https://evil.good.com", "HTTPS://GOOD.COM", "HTTPS://good.com", "https://GOOD.com",
            "https://g\u{43E}od.com",
            "https://xn--god-fmc.com", "https://good.com.", "https://good.com/", "https://good.com/x",
            "https://good.com?x", "https://good.com:", "https://good.com:0443", "https://good.com:443:443",
            "https://good.com, https://evil.com", "https://good.com https://evil.com", "https://good.com\u{0}",
            "https:/good.com", "https:good.com", "//good.com", "good.com", "https://", "https://[::1]",
            "https://good.com%00", "wss://good.com", "https://good.com\u{301}", "\u{301}https://good.com",
            "://good.com",
            "1https://good.com", "ht_tps://good.com",
        ]
    )
    func refused(origin: String) throws {
        #expect(try !OriginPolicy.allowList(["https://good.com"]).allows([origin]))
    }

    @Test("Two Origin lines are refused, even two good ones")
    func repeated() throws {
        let policy = try OriginPolicy.allowList(["https://good.com"])
        #expect(policy.allows(["https://good.com"]))
        #expect(!policy.allows(["https://good.com", "https://evil.com"]))
        #expect(!policy.allows(["https://good.com", "https://good.com"]))
    }

    @Test(
        "A wildcard stands for exactly one whole label on the left",
        arguments: [
            "https://example.com", "https://.example.com", "https://a.b.example.com", "https://evilexample.com",
            "https://a.example.com.evil.com", "http://a.example.com", "https://a.example.com:444",
            "https://a.example.org",
            "https://*.example.com", "https://user@a.example.com", "https://a.example.com.",
            "https://evil.com/.example.com",
            "https://localhost", "https://[::ffff:1.2.3.4]", "null",
        ]
    )
    func wildcard(origin: String) throws {
        #expect(try !OriginPolicy.allowList(["https://*.example.com"]).allows([origin]))
    }

    @Test("A text that is no URL is compared byte by byte")
    func verbatim() throws {
        let policy = try OriginPolicy.allowList(["php.cn"])
        #expect(policy.allows(["php.cn"]))
        for other in ["PHP.cn", "php.cn.", "http://php.cn", "xphp.cn", ""] { #expect(!policy.allows([other])) }
    }

    @Test(
        "A wrong entry is refused with the reason and the cure",
        arguments: [
            ("", "empty"), ("*", "no list at all"), ("https://good.com/", "path"), ("https://good.com/x", "path"),
            ("https://good.com?x", "path"), ("https://good.com#x", "path"), ("good.com/x", "path"),
            ("https://u:p@good.com", "user"), ("https://good com", "space"), ("https://b\u{FC}cher.example", "xn--"),
            ("https://good.com\r\n", "space"), ("https://a*.good.com", "left-most"), ("https://a.*.com", "left-most"),
            ("https://*good.com", "left-most"), ("https://*.*.com", "left-most"), ("https://*", "left-most"),
            ("*.good.com", "left-most"), ("https://good.com:99999", "port"), ("https://good.com:", "port"),
            ("https://good.com:x", "port"), ("https://:80", "host"), ("https://*.", "host"), ("https://a%20b", "host"),
        ]
    )
    func wrongEntry(entry: String, word: String) throws {
        let failure = #expect(throws: InvalidOrigin.self) {
            try OriginPolicy.allowList(["https://good.com", entry])
        }
        let text = try #require(failure).description
        #expect(text.contains(word))
        #expect(text.utf8.allSatisfy { $0 >= 0x20 })
    }

    @Test(
        "A page of the server's own may connect under a name that is vouched for",
        arguments: [
            ("http://a.example:8080", "a.example:8080", false, true), ("http://box", "box:80", true, true),
            ("http://box", "BOX", true, true), ("https://a.example", "a.example", true, true),
            ("https://a.example:444", "a.example:444", true, true), ("http://127.0.0.1:1", "127.0.0.1:1", true, true),
            ("http://[::1]:1", "[::1]:1", true, true), ("http://localhost:1", "localhost:1", true, true),
            ("http://a.localhost:1", "a.localhost:1", true, true), ("http://a.example", "b.example", false, false),
            ("http://a.example:1", "a.example:2", false, false), ("https://a.example", "a.example:80", false, false),
            ("http://alocalhost", "alocalhost", false, true),
            ("http://1.2.3.4.example", "1.2.3.4.example", false, true),
            ("null", "null", false, false), ("a.example", "a.example", false, false),
            ("ws://a.example", "a.example", false, false), ("http://a.example", "", false, false),
            ("http://a.example/", "a.example/", false, false), ("http://u@a.example", "u@a.example", false, false),
        ])
    func ownPage(origin: String, host: String, isVouchedFor: Bool, isOwn: Bool) throws {
        var policy = try OriginPolicy.allowList(["https://good.com"])
        #expect(!policy.allows([origin], host: host))
        policy.ownNames = .any
        #expect(policy.allows([origin], host: host) == isOwn)
        #expect(!policy.allows([origin, origin], host: host) && !policy.allows([origin]))
        policy.ownNames = .vouched(["box"])
        #expect(policy.allows([origin], host: host) == (isOwn && isVouchedFor))
        #expect(policy.allows(["https://good.com"], host: host))
    }
}
