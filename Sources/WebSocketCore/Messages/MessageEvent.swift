/// What ``MessageReader`` found next.
public enum MessageEvent: Hashable, Sendable {
    /// The input holds nothing more that is whole: keep what was not consumed and come back with more bytes.
    case needsInput
    /// A whole message that lies in the output; valid until the output is written again.
    case message(MessageKind, Range<Int>)
    /// A whole message that came in several pieces or compressed, and was assembled.
    case assembledMessage(MessageKind, [UInt8])
    /// A ping (RFC 6455 §5.5.2), its payload in the output.
    case ping(Range<Int>)
    /// A pong (RFC 6455 §5.5.3), its payload in the output.
    case pong(Range<Int>)
    /// A valid close frame (RFC 6455 §5.5.1).
    case close(CloseFrame)
}
