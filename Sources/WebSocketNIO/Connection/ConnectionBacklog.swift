import WebSocketCore

/// What a connection keeps while its peer has not taken everything.
final class ConnectionBacklog {
    var books = PendingOutput()
    /// As told to the loop.
    var toldBytes = 0
}

@available(*, unavailable)
extension ConnectionBacklog: Sendable {}
