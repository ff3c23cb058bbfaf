import WebSocketCore

/// The opening handshake as a server sees it (RFC 6455 §4.2), with the fields that a browser sends.
enum Opening {
    /// Answers `count` requests.
    static func respond(_ count: Int) -> Int {
        let handshake = ServerHandshake(subprotocols: ["chat"])
        let request = OpeningRequest(
            target: "/chat?room=lobby",
            fields: HeaderFields([
                ("Host", "chat.example.com:8080"),
                ("Connection", "keep-alive, Upgrade"),
                ("Pragma", "no-cache"),
                ("Cache-Control", "no-cache"),
                ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"),
                ("Upgrade", "websocket"),
                ("Origin", "http://chat.example.com:8080"),
                ("Sec-WebSocket-Version", "13"),
                ("Accept-Encoding", "gzip, deflate"),
                ("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
                ("Sec-WebSocket-Protocol", "chat"),
            ]))
        var sum = 0
        for _ in 0..<count {
            if case .accepted(let accepted) = handshake.respond(to: request) { sum &+= accepted.acceptKey.utf8.count }
        }
        return sum
    }
}
