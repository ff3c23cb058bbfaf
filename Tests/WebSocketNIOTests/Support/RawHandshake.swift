import WebSocketCore

/// The server's part of the opening handshake, by hand.
enum RawHandshake {
    /// A 101 for the key of `request` (RFC 6455 §4.2.2).
    static func answer(to request: String, fields: String = "") -> String {
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accept(request))\r\n\(fields)\r\n"
    }

    static func accept(_ request: String) -> String {
        AcceptKey.accept(for: request.field("Sec-WebSocket-Key") ?? "")
    }
}

extension String {
    /// The value of a field in a head.
    func field(_ name: String) -> String? {
        components(startingWith: "\r\n\(name): ").first.map { String($0.prefix { !$0.isNewline }) }
    }
}
