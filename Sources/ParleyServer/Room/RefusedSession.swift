import WebSocketCore

/// The session of a connection that gets one sentence and the end.
final class RefusedSession: WebSocketSession {
    private let reason: String

    init(reason: String) { self.reason = reason }

    override func opened(_ connection: WebSocketConnection) { connection.close(.policyViolation, reason: reason) }
}
