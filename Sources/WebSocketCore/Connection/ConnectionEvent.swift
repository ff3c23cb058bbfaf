/// What ``ConnectionStateMachine/next(_:position:output:now:)`` found, and what the driver does about it.
public enum ConnectionEvent: Hashable, Sendable {
    /// The input holds nothing more that is whole: keep what was not consumed (at most 139 bytes) for the next read.
    case needsInput
    /// Hand this message to the application; it lies in the output.
    case message(MessageKind, Range<Int>)
    /// Hand this message to the application; it was assembled.
    case assembledMessage(MessageKind, [UInt8])
    /// Answer with a pong that carries these bytes of the output (RFC 6455 §5.5.2).
    case sendPong(Range<Int>)
    /// The peer sends messages faster than it may: keep what was not consumed, do not read the socket for
    /// ``ConnectionStateMachine/holdTime(now:)``, and go on.
    case held
    /// The closing handshake goes on; when it is over, nothing more is read.
    case closing(ClosingHandshake.Action)
}
