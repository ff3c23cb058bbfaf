import WebSocketCore

/// A connection of the generator; its subclasses are the kinds of work.
///
/// Confined to its loop's thread.
class LoadSession: WebSocketSession {
    /// The loop that the connection belongs to.
    let loop: LoadLoop
    /// Its number among those of its kind.
    let index: Int
    /// The way out; `nil` before the handshake and after the end.
    private(set) var connection: WebSocketConnection?

    init(_ loop: LoadLoop, index: Int) {
        self.loop = loop
        self.index = index
    }

    /// How it is called in a report.
    var name: String { "connection \(index)" }

    /// Messages of its own that are under way; none after the end.
    var outstanding: Int { 0 }

    /// Whether it had messages under way, now or when it ended.
    var isAwaiting: Bool { false }

    /// Sends the first messages.
    func start() {}

    /// Begins the closing handshake.
    func close() { connection?.close(.normal) }

    override func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        loop.opened(self)
    }

    override func closed(_ outcome: CloseOutcome) {
        connection = nil
        loop.closed(self, outcome)
    }
}
