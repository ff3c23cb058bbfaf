import WebSocketCore

/// Sends back what it gets.
final class EchoSession: LoadSession {
    /// The carrier keeps the connection as long as anything can be received, so no references are counted per message.
    private var connection: Unmanaged<WebSocketConnection>?

    override func opened(_ connection: WebSocketConnection) {
        super.opened(connection)
        self.connection = .passUnretained(connection)
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        connection?._withUnsafeGuaranteedRef { $0.send(kind, payload) }
    }

    override func closed(_ outcome: CloseOutcome) {
        super.closed(outcome)
        connection = nil
    }
}
