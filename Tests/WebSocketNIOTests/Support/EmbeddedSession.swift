import WebSocketCore
import WebSocketNIO

/// What an embedded session was told.
final class EmbeddedSession: WebSocketSession {
    enum Event: Equatable {
        case opened
        case message(WebSocketMessage)
        case rateExceeded
        case writable
        case closed(CloseOutcome)
    }

    private(set) var events: [Event] = []
    var connection: WebSocketConnection?
    var whenOpened: (WebSocketConnection) -> Void = { _ in }
    var whenReceived: (WebSocketConnection, WebSocketMessage) -> Void = { _, _ in }
    var whenWritable: (WebSocketConnection) -> Void = { _ in }
    var whenRateExceeded: (WebSocketConnection) -> Void = { _ in }
    var whenSilent: (WebSocketConnection) -> Void = { _ in }
    var whenServerStops: (WebSocketConnection) -> Void = { _ in }
    var whenClosed: (WebSocketConnection) -> Void = { _ in }

    var messages: [WebSocketMessage] {
        events.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }
    var outcomes: [CloseOutcome] {
        events.compactMap { if case .closed(let outcome) = $0 { outcome } else { nil } }
    }

    override func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        events.append(.opened)
        whenOpened(connection)
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        let message = WebSocketMessage(kind, payload)
        events.append(.message(message))
        if let connection { whenReceived(connection, message) }
    }

    override func rateExceeded() {
        events.append(.rateExceeded)
        if let connection { whenRateExceeded(connection) }
    }

    override func peerIsSilent() {
        if let connection { whenSilent(connection) }
    }

    override func becameWritable() {
        events.append(.writable)
        if let connection { whenWritable(connection) }
    }

    override func serverStops() {
        if let connection { whenServerStops(connection) }
    }

    override func closed(_ outcome: CloseOutcome) {
        events.append(.closed(outcome))
        if let connection { whenClosed(connection) }
    }
}
