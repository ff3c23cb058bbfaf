import WebSocketCore

/// Closes as soon as it is open: what is measured is the handshake.
final class VisitSession: LoadSession {
    private let startedAt: UInt64

    /// - Parameter startedAt: when the connection was begun, in nanoseconds of the run.
    init(_ loop: LoadLoop, index: Int, startedAt: UInt64) {
        self.startedAt = startedAt
        super.init(loop, index: index)
    }

    override func opened(_ connection: WebSocketConnection) {
        super.opened(connection)
        loop.readClock()
        loop.counts(startedAt)
        close()
    }
}
