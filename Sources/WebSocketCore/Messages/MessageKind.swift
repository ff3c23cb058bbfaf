/// The two kinds of data that a WebSocket message can carry (RFC 6455 §5.6).
public enum MessageKind: UInt8, Sendable, Hashable {
    /// UTF-8 text; opcode 1.
    case text = 1
    /// Arbitrary bytes; opcode 2.
    case binary = 2
}
