/// The value with which a server proves that it understood the opening request (RFC 6455 §1.3, §4.2.2).
public enum AcceptKey {
    /// The `Sec-WebSocket-Accept` value for a `Sec-WebSocket-Key`, which is taken as it stands, not decoded.
    public static func accept(for key: String) -> String {
        Base64.encode(SHA1.digest(of: Array(key.utf8) + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
    }
}
