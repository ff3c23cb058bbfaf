import NIOPosix
import WebSocketCore

@testable import WebSocketNIO

/// Tells a log everything, and echoes when it shall.
final class LoggingSession: WebSocketSession {
    private let log: SessionLog
    private let subprotocol: String?
    private let echoes: Bool
    private let loop: (any WebSocketLoop)?
    var connection: WebSocketConnection?

    /// - Parameter loop: the connection's; a client's is the current event loop.
    init(
        _ log: SessionLog, subprotocol: String? = nil, echoes: Bool = false, loop: (any WebSocketLoop)? = nil
    ) {
        self.loop = loop ?? MultiThreadedEventLoopGroup.currentEventLoop.map { NIOWebSocketLoop($0) }
        self.log = log
        self.subprotocol = subprotocol
        self.echoes = echoes
    }

    override func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        if let loop { log.bind(self, on: loop) }
        log.events.put(.opened(subprotocol: subprotocol))
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        if echoes { connection?.send(kind, payload) }
        log.events.put(.message(WebSocketMessage(kind, payload)))
    }

    override func rateExceeded() { log.events.put(.rateExceeded) }
    override func becameWritable() { log.events.put(.writable) }
    override func closed(_ outcome: CloseOutcome) { log.events.put(.closed(outcome)) }
}
