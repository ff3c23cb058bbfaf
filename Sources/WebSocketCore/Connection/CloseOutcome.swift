/// How a connection ended, as told to the application (RFC 6455 §7.1.5, §7.1.6).
public struct CloseOutcome: Hashable, Sendable {
    /// The code of the first close frame, the peer's or ours; 1005 when it had none, 1006 when there was no close frame.
    public let code: CloseCode
    /// The reason that came with it.
    public let reason: String
    /// Whether the closing handshake was completed: both sides have sent a close frame.
    public let wasClean: Bool

    /// Composes an outcome.
    public init(code: CloseCode, reason: String, wasClean: Bool) {
        self.code = code
        self.reason = reason
        self.wasClean = wasClean
    }
}
