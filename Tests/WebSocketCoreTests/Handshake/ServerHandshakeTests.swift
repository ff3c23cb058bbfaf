import Testing

@testable import WebSocketCore

@Suite("The server's opening handshake (RFC 6455 §4.2)", .timeLimit(.minutes(5)))
struct ServerHandshakeTests {
    private static let good: [(name: String, value: String)] = [
        ("Host", "server.example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
    ]

    /// A good request with one field replaced by any number of lines, and more fields behind.
    private func request(
        _ name: String = "",
        _ values: [String] = [],
        method: String = "GET",
        target: String = "/chat",
        version: (major: Int, minor: Int) = (1, 1)
    ) -> OpeningRequest {
        let fields = Self.good.filter { $0.name != name } + values.map { (name: name, value: $0) }
        return OpeningRequest(method: method, target: target, httpVersion: version, fields: HeaderFields(fields))
    }

    private func rejectionOf(_ request: OpeningRequest, by server: ServerHandshake = .init()) -> HandshakeRejection? {
        if case .rejected(let rejection) = server.respond(to: request) { return rejection }
        return nil
    }

    private func acceptanceOf(_ request: OpeningRequest, by server: ServerHandshake = .init()) -> AcceptedHandshake? {
        if case .accepted(let accepted) = server.respond(to: request) { return accepted }
        return nil
    }

    private func isNotUpgrade(_ request: OpeningRequest) -> Bool {
        if case .notUpgrade = ServerHandshake().respond(to: request) { return true }
        return false
    }

    private func text(_ fields: [(name: String, value: String)]) -> [String] {
        fields.map { "\($0.name): \($0.value)" }
    }

    @Test("The tutorial's request is accepted with its known value and the subprotocol chat")
    func tutorial() throws {
        let fields = HeaderFields([
            ("Host", "server.example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw=="), ("Sec-WebSocket-Protocol", "chat, superchat"),
            ("Sec-WebSocket-Version", "13"), ("Origin", "php.cn"),
        ])
        let request = OpeningRequest(target: "/chat", fields: fields)
        let accepted = try #require(acceptanceOf(request, by: ServerHandshake(subprotocols: ["chat"])))
        #expect(
            text(accepted.responseFields()) == [
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
                "Sec-WebSocket-Protocol: chat",
            ]
        )
        let listed = try ServerHandshake(subprotocols: ["chat"], originPolicy: .allowList(["php.cn"]))
        #expect(acceptanceOf(request, by: listed) != nil)
        let unlisted = try ServerHandshake(subprotocols: ["chat"], originPolicy: .allowList(["http://php.cn"]))
        #expect(rejectionOf(request, by: unlisted) == .origin)
    }

    @Test("The example of RFC 6455 §1.3 is accepted, and accepted extensions are named in the answer")
    func example() throws {
        let accepted = try #require(acceptanceOf(request("Sec-WebSocket-Extensions", ["foo; a=1, bar", "baz"])))
        #expect(accepted.acceptKey == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(accepted.subprotocol == nil)
        #expect(accepted.extensionOffers.map(\.description) == ["foo; a=1", "bar", "baz"])
        #expect(
            text(accepted.responseFields(extensions: Array(accepted.extensionOffers.prefix(2)))) == [
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "Sec-WebSocket-Extensions: foo; a=1, bar",
            ]
        )
    }

    @Test(
        "Without the upgrade tokens it is an ordinary request (RFC 6455 §4.2.1)",
        arguments: [
            ("Upgrade", []), ("Upgrade", ["h2c"]), ("Upgrade", ["websockets"]), ("Upgrade", [""]),
            ("Connection", []), ("Connection", ["keep-alive"]), ("Connection", ["close, keep-alive"]),
        ] as [(String, [String])]
    )
    func ordinary(name: String, values: [String]) {
        #expect(isNotUpgrade(request(name, values)))
        var post = request(name, values, method: "POST", version: (1, 0))
        post.fields.append("Content-Length", "5")
        #expect(isNotUpgrade(post))
    }

    @Test(
        "What browsers, proxies and libraries send is accepted",
        arguments: [
            ("Upgrade", ["WebSocket"]), ("Upgrade", ["h2c, websocket"]), ("Connection", ["keep-alive, Upgrade"]),
            ("Connection", ["keep-alive", "upgrade"]),
            ("Connection", [String(repeating: ",", count: 1000) + "upgrade"]),
            ("Host", ["localhost:8080"]), ("Host", ["[::1]:8080"]), ("Host", ["192.168.1.2"]),
            ("Content-Length", ["0"]), ("Origin", ["null"]), ("Origin", ["https://evil.example"]),
            ("Origin", ["a", "b"]),
            ("Sec-WebSocket-Key", [" dGhlIHNhbXBsZSBub25jZQ== "]), ("Sec-WebSocket-Extensions", [""]),
            ("Sec-WebSocket-Extensions", ["__proto__, x-unknown; y=\"31\""]), ("Sec-WebSocket-Protocol", ["unknown"]),
        ] as [(String, [String])]
    )
    func accepted(name: String, values: [String]) throws {
        let accepted = try #require(acceptanceOf(request(name, values)))
        #expect(accepted.acceptKey == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(accepted.subprotocol == nil)
    }

    @Test("Any HTTP/1 version from 1.1 on will do, no other (RFC 6455 §4.2.1)")
    func httpVersion() {
        #expect(acceptanceOf(request(version: (1, 2))) != nil)
        for version in [(1, 0), (0, 9), (2, 0), (-1, 1), (1, -1)] {
            #expect(rejectionOf(request(version: version)) == .httpVersion)
        }
    }

    @Test("Any method but GET gets 405 (RFC 6455 §4.2.1)", arguments: ["POST", "get", "GETX", "", "HEAD", "GET\u{0}"])
    func method(method: String) throws {
        let rejection = try #require(rejectionOf(request(method: method)))
        #expect(rejection.status == 405)
        #expect(text(rejection.fields) == ["Allow: GET"])
    }

    @Test(
        "A target with characters that no URL has gets 400",
        arguments: ["", "/a b", "/a\r\nX: y", "/\u{0}", "/\u{E9}", "/\u{7F}"]
    )
    func target(target: String) {
        #expect(rejectionOf(request(target: target)) == .target)
    }

    @Test(
        "One faulty field gets the status of its fault",
        arguments: [
            ("Host", [], .host), ("Host", [""], .host), ("Host", [" "], .host), ("Host", ["a", "a"], .host),
            ("Host", ["a b"], .host), ("Host", ["user@a"], .host), ("Host", ["a/b"], .host), ("Host", ["a:x"], .host),
            ("Content-Length", ["5"], .body), ("Content-Length", ["0", "5"], .body), ("Content-Length", ["00"], .body),
            ("Content-Length", [""], .body), ("Transfer-Encoding", ["chunked"], .body),
            ("Transfer-Encoding", [""], .body),
            ("Sec-WebSocket-Version", [], .webSocketVersion), ("Sec-WebSocket-Version", ["8"], .webSocketVersion),
            ("Sec-WebSocket-Version", ["13", "13"], .webSocketVersion),
            ("Sec-WebSocket-Version", [""], .webSocketVersion),
            ("Sec-WebSocket-Version", ["013"], .webSocketVersion),
            ("Sec-WebSocket-Version", ["13, 8"], .webSocketVersion),
            ("Sec-WebSocket-Key", [], .key), ("Sec-WebSocket-Key", [""], .key), ("Sec-WebSocket-Key", ["abc"], .key),
            ("Sec-WebSocket-Key", ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="], .key),
            ("Sec-WebSocket-Key", ["dGhlIHNhbXBsZSBub25jZR=="], .key),
            ("Sec-WebSocket-Key", ["SGVsbG8sIHdvcmxkIQ=="], .key),
            ("Sec-WebSocket-Key", [String(repeating: "A", count: 1 << 20)], .key),
            ("Sec-WebSocket-Protocol", [""], .subprotocols), ("Sec-WebSocket-Protocol", ["chat,"], .subprotocols),
            ("Sec-WebSocket-Protocol", ["chat, chat"], .subprotocols),
            ("Sec-WebSocket-Protocol", ["a b"], .subprotocols),
            ("Sec-WebSocket-Protocol", [String(repeating: ",", count: 50_000)], .subprotocols),
            ("Sec-WebSocket-Protocol", ["a" + String(repeating: " ", count: 50_000) + "b"], .subprotocols),
            ("Sec-WebSocket-Extensions", ["foo; a=\""], .extensions),
            ("Sec-WebSocket-Extensions", ["foo;"], .extensions),
            ("Sec-WebSocket-Extensions", ["x" + String(repeating: ";a", count: 10_000)], .extensions),
        ] as [(String, [String], HandshakeRejection)]
    )
    func faultyField(name: String, values: [String], expected: HandshakeRejection) throws {
        let server = ServerHandshake(subprotocols: ["chat"])
        let rejection = try #require(rejectionOf(request(name, values), by: server))
        #expect(rejection == expected)
        #expect(rejection.mustClose)
        #expect(rejection.status == (expected == .webSocketVersion ? 426 : 400))
    }

    @Test("A version other than 13 gets 426 with the version that is spoken (RFC 6455 §4.4)")
    func version() throws {
        let rejection = try #require(rejectionOf(request("Sec-WebSocket-Version", ["8"])))
        #expect(rejection.status == 426)
        #expect(
            text(rejection.fields) == ["Sec-WebSocket-Version: 13", "Upgrade: websocket", "Connection: Upgrade"]
        )
    }

    @Test("An origin that is not on the list gets 403 (RFC 6455 §4.2.2)")
    func origin() throws {
        let server = try ServerHandshake(originPolicy: .allowList(["https://good.com"]))
        #expect(acceptanceOf(request("Origin", ["https://good.com"]), by: server) != nil)
        #expect(acceptanceOf(request(), by: server) != nil)
        for lines in [["https://evil.example"], ["null"], ["https://good.com", "https://good.com"]] {
            let rejection = try #require(rejectionOf(request("Origin", lines), by: server))
            #expect(rejection.status == 403)
            #expect(rejection.fields.isEmpty)
        }
    }

    @Test(
        "The client's order decides about the subprotocol, and nothing is chosen that it did not offer (RFC 6455 §4.2.2)",
        arguments: [
            (["a", "b"], ["b, a"], "b"), (["a", "b"], ["x, a", "b"], "a"), (["a"], ["x"], nil), ([], ["a"], nil),
            (["a"], [], nil), (["a"], ["A"], nil), (["b\r\nX: y"], ["b"], nil),
        ] as [([String], [String], String?)]
    )
    func subprotocol(supported: [String], offered: [String], chosen: String?) throws {
        let server = ServerHandshake(subprotocols: supported)
        let accepted = try #require(acceptanceOf(request("Sec-WebSocket-Protocol", offered), by: server))
        #expect(accepted.subprotocol == chosen)
        #expect(
            HeaderFields(accepted.responseFields()).values(of: "Sec-WebSocket-Protocol") == (chosen.map { [$0] } ?? []))
    }

    @Test(
        "A server that accepts any subprotocol takes its own, or else the first token that is offered",
        arguments: [
            ([], ["x"], "x"), ([], ["x, y"], "x"), (["y"], ["x, y"], "y"), ([], ["a b, c d , e"], "e"),
            ([], ["", ",", "(x), y"], "y"), ([], ["x, x"], "x"), ([], [""], nil), ([], ["a b"], nil), ([], [], nil),
            (["y"], ["y,"], "y"),
        ] as [([String], [String], String?)]
    )
    func anySubprotocol(supported: [String], offered: [String], chosen: String?) throws {
        var server = ServerHandshake(subprotocols: supported)
        server.acceptsAnySubprotocol = true
        let accepted = try #require(acceptanceOf(request("Sec-WebSocket-Protocol", offered), by: server))
        #expect(accepted.subprotocol == chosen)
    }

    @Test(
        "Each rejection says what is wrong in one line of ASCII",
        arguments: [
            .httpVersion, .method, .target, .host, .body, .webSocketVersion, .key, .subprotocols, .extensions, .origin,
        ] as [HandshakeRejection]
    )
    func reasons(rejection: HandshakeRejection) {
        #expect(rejection.reason.utf8.count > 20)
        #expect(rejection.reason.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
        #expect(rejection.description == "\(rejection.status): \(rejection.reason)")
        #expect(rejection.mustClose)
    }
}
