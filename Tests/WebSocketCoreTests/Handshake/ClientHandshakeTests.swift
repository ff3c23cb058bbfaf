import Testing
import WebSocketCore

@Suite("The client's opening handshake (RFC 6455 §4.1)", .timeLimit(.minutes(5)))
struct ClientHandshakeTests {
    private static let nonce = Array("the sample nonce".utf8)
    private static let good: [(name: String, value: String)] = [
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ]

    private func client(
        _ url: String = "ws://server.example.com/chat",
        nonce: [UInt8] = nonce,
        subprotocols: [String] = [],
        extensionOffers: [ExtensionElement] = [],
        origin: String? = nil,
        extraFields: [(name: String, value: String)] = []
    ) throws -> ClientHandshake {
        try ClientHandshake(
            url: WebSocketURL(url),
            nonce: nonce,
            subprotocols: subprotocols,
            extensionOffers: extensionOffers,
            origin: origin,
            extraFields: extraFields
        )
    }

    /// A good answer with one field replaced by any number of lines.
    private func answer(_ name: String = "", _ values: [String] = []) -> HeaderFields {
        HeaderFields(Self.good.filter { $0.name != name } + values.map { (name: name, value: $0) })
    }

    @Test("The request is that of RFC 6455 §1.3")
    func request() throws {
        let request = try client().request
        #expect(request.method == "GET")
        #expect(request.target == "/chat")
        #expect(request.httpVersion == (1, 1))
        #expect(
            request.fields.all.map { "\($0.name): \($0.value)" } == [
                "Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
            ]
        )
    }

    @Test("Offers, origin and further fields stand in the request, in order")
    func everything() throws {
        let offer = ExtensionElement(name: "x", parameters: [.init(name: "a", value: "1"), .init(name: "b")])
        let request = try client(
            "wss://[::1]:8443",
            subprotocols: ["chat", "superchat"],
            extensionOffers: [offer, ExtensionElement(name: "y")],
            origin: "https://example.com",
            extraFields: [("Authorization", "Bearer abc"), ("X-Name", "\u{5F20}")]
        ).request
        #expect(request.target == "/")
        #expect(
            request.fields.all.map { "\($0.name): \($0.value)" }.filter { !$0.hasPrefix("Sec-WebSocket-Key") } == [
                "Host: [::1]:8443", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                "Origin: https://example.com", "Sec-WebSocket-Protocol: chat, superchat",
                "Sec-WebSocket-Extensions: x; a=1; b, y", "Authorization: Bearer abc", "X-Name: \u{5F20}",
            ]
        )
    }

    @Test("A nonce has 16 bytes", arguments: [0, 15, 17])
    func nonceLength(count: Int) {
        #expect(throws: HandshakeFailure.nonceLength) { try client(nonce: [UInt8](repeating: 0, count: count)) }
    }

    @Test(
        "A subprotocol that is no token, or comes twice, can not be offered",
        arguments: [[""], ["a b"], ["a,b"], ["a\r\nX: y"], ["\u{E9}"], ["a", "a"]]
    )
    func subprotocols(names: [String]) {
        #expect(throws: HandshakeFailure.invalidSubprotocol) { try client(subprotocols: names) }
    }

    @Test("An extension that is no token can not be offered", arguments: ["", "a;b", "a\r\nX: y"])
    func extensions(name: String) {
        #expect(throws: HandshakeFailure.invalidExtensionOffer) {
            try client(extensionOffers: [ExtensionElement(name: name)])
        }
    }

    @Test(
        "An origin is printable ASCII",
        arguments: ["", "https://a b", "https://a\r\nX: y", "https://b\u{FC}cher.example"])
    func origin(origin: String) {
        #expect(throws: HandshakeFailure.invalidOrigin) { try client(origin: origin) }
    }

    @Test(
        "A field with a line end or another control character is refused, in the name as in the value",
        arguments: [
            ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\u{0}b"), ("X", "\u{7F}"), ("X:", "a"), ("", "a"),
            ("X Y", "a"), ("X\r\nY", "a"),
        ]
    )
    func fields(name: String, value: String) {
        #expect(throws: HandshakeFailure.invalidField(name)) { try client(extraFields: [(name, value)]) }
    }

    @Test(
        "The handshake's own fields can not be given",
        arguments: [
            "host", "UPGRADE", "Connection", "sec-websocket-key", "Origin", "Content-Length", "Transfer-Encoding",
        ]
    )
    func reserved(name: String) {
        #expect(throws: HandshakeFailure.reservedField(name)) { try client(extraFields: [(name, "x")]) }
    }

    @Test(
        "A good answer is believed, in any case of the tokens",
        arguments: [
            ("", []), ("Upgrade", ["WebSocket"]), ("Connection", ["keep-alive, UPGRADE"]),
            ("Sec-WebSocket-Accept", [" s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t"]),
        ] as [(String, [String])]
    )
    func believed(name: String, values: [String]) throws {
        let (subprotocol, extensions) = try client(subprotocols: ["chat"]).validate(
            status: 101,
            fields: answer(name, values)
        )
        #expect(subprotocol == nil)
        #expect(extensions.isEmpty)
    }

    @Test("Another status fails, and is told", arguments: [100, 200, 302, 401, 403, 426, 503])
    func status(status: Int) throws {
        let client = try self.client()
        let failure = #expect(throws: HandshakeFailure.self) {
            _ = try client.validate(status: status, fields: answer())
        }
        #expect(failure == .unexpectedStatus(status))
        #expect(failure?.status == status)
        #expect(HandshakeFailure.acceptMismatch.status == nil)
    }

    @Test(
        "An answer that breaks a rule of RFC 6455 §4.1 fails",
        arguments: [
            ("Upgrade", [], .upgradeMissing), ("Upgrade", ["h2c"], .upgradeMissing),
            ("Upgrade", ["websocket, h2c"], .upgradeMissing), ("Upgrade", ["websocket", "h2c"], .upgradeMissing),
            ("Connection", [], .connectionMissing), ("Connection", ["close"], .connectionMissing),
            ("Sec-WebSocket-Accept", [], .acceptMismatch), ("Sec-WebSocket-Accept", [""], .acceptMismatch),
            ("Sec-WebSocket-Accept", ["HSmrc0sMlYUkAGmm5OPpG2HaGWk="], .acceptMismatch),
            ("Sec-WebSocket-Accept", ["S3PPLMBITXAQ9KYGZZHZRBK+XOO="], .acceptMismatch),
            ("Sec-WebSocket-Accept", ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "x"], .acceptMismatch),
            ("Sec-WebSocket-Protocol", ["other"], .subprotocolNotOffered),
            ("Sec-WebSocket-Protocol", [""], .subprotocolNotOffered),
            ("Sec-WebSocket-Protocol", ["CHAT"], .subprotocolNotOffered),
            ("Sec-WebSocket-Protocol", ["chat, superchat"], .subprotocolNotOffered),
            ("Sec-WebSocket-Protocol", ["chat", "superchat"], .subprotocolRepeated),
            ("Sec-WebSocket-Extensions", ["other"], .extensionNotOffered),
            ("Sec-WebSocket-Extensions", ["x, other"], .extensionNotOffered),
            ("Sec-WebSocket-Extensions", ["x, x"], .extensionRepeated),
            ("Sec-WebSocket-Extensions", ["x;"], .malformedExtensions),
        ] as [(String, [String], HandshakeFailure)]
    )
    func fails(name: String, values: [String], expected: HandshakeFailure) throws {
        let client = try self.client(
            subprotocols: ["chat", "superchat"],
            extensionOffers: [ExtensionElement(name: "x"), ExtensionElement(name: "x")]
        )
        #expect(throws: expected) { _ = try client.validate(status: 101, fields: answer(name, values)) }
    }

    @Test("What the server chose is told")
    func chosen() throws {
        var fields = answer("Sec-WebSocket-Protocol", ["superchat"])
        fields.append("Sec-WebSocket-Extensions", "x; a=\"1\"")
        let client = try self.client(
            subprotocols: ["chat", "superchat"], extensionOffers: [ExtensionElement(name: "x")])
        let (subprotocol, extensions) = try client.validate(status: 101, fields: fields)
        #expect(subprotocol == "superchat")
        #expect(extensions.map(\.description) == ["x; a=1"])
    }

    @Test("Nothing can be chosen where nothing was offered")
    func nothingOffered() throws {
        let client = try self.client()
        #expect(throws: HandshakeFailure.subprotocolNotOffered) {
            _ = try client.validate(status: 101, fields: answer("Sec-WebSocket-Protocol", ["chat"]))
        }
        #expect(throws: HandshakeFailure.extensionNotOffered) {
            _ = try client.validate(status: 101, fields: answer("Sec-WebSocket-Extensions", ["permessage-deflate"]))
        }
    }

    @Test("Our client and our server understand each other")
    func bothSides() throws {
        let client = try self.client(
            "ws://localhost:8080/?room=x",
            subprotocols: ["b", "a"],
            extensionOffers: [ExtensionElement(name: "x")],
            origin: "https://example.com"
        )
        let server = try ServerHandshake(subprotocols: ["a", "b"], originPolicy: .allowList(["https://example.com"]))
        guard case .accepted(let accepted) = server.respond(to: client.request) else {
            Issue.record("not accepted")
            return
        }
        let fields = HeaderFields(accepted.responseFields(extensions: accepted.extensionOffers))
        let (subprotocol, extensions) = try client.validate(status: 101, fields: fields)
        #expect(subprotocol == "b")
        #expect(extensions == [ExtensionElement(name: "x")])
    }

    @Test("Each failure says something of its own, in one line")
    func descriptions() {
        let failures: [HandshakeFailure] = [
            .malformedExtensions, .tooManyExtensions, .nonceLength, .invalidSubprotocol, .invalidExtensionOffer,
            .invalidOrigin, .invalidField("a\r\nb"), .reservedField("Host"), .unexpectedStatus(404), .upgradeMissing,
            .connectionMissing, .acceptMismatch, .subprotocolNotOffered, .subprotocolRepeated, .extensionNotOffered,
            .extensionRepeated,
        ]
        #expect(Set(failures.map(\.description)).count == failures.count)
        for failure in failures { #expect(failure.description.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }) }
        #expect(HandshakeFailure.unexpectedStatus(404).description.contains("404"))
        #expect(HandshakeFailure.invalidField("a\r\nb").description.contains("a??b"))
    }
}
