import WebSocketCore

/// Gets what is published, and sends back what it gets itself.
final class MemberSession: SubscriberSession {
    private var connection: WebSocketConnection?

    override func opened(_ connection: WebSocketConnection) {
        super.opened(connection)
        self.connection = connection
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) { connection?.send(kind, payload) }

    override func closed(_ outcome: CloseOutcome) {
        super.closed(outcome)
        connection = nil
    }
}
