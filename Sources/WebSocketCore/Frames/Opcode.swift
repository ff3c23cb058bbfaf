/// What a frame carries (RFC 6455 §5.2, the registry of §11.8). Values that are not listed are reserved.
public enum Opcode: UInt8, Sendable, Hashable {
    /// A further fragment of the message that is under way.
    case continuation = 0x0
    /// A text message, or its first fragment.
    case text = 0x1
    /// A binary message, or its first fragment.
    case binary = 0x2
    /// The closing handshake (RFC 6455 §5.5.1).
    case close = 0x8
    /// A ping (RFC 6455 §5.5.2).
    case ping = 0x9
    /// A pong (RFC 6455 §5.5.3).
    case pong = 0xA

    /// Whether the frame is a control frame: it may stand between the fragments of a message (RFC 6455 §5.5).
    public var isControl: Bool { rawValue & Self.controlBit != 0 }

    /// What the opcodes of control frames have in the first byte of a frame, and no other opcode has.
    static let controlBit: UInt8 = 0x8
}
