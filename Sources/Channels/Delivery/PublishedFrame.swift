import WebSocketCore

/// A publication on its way to the subscribers of one kind, those that are told positions or those that are not: made
/// once and shared by all shards.
final class PublishedFrame: Sendable {
    let frame: SharedFrame
    /// Where the publication stands, told or not; `nil` for what is only relayed.
    let position: Position?
    /// The connection that does not get it.
    let excluded: ConnectionID?
    /// What that one gets instead.
    let substitute: SharedFrame?

    init(_ frame: SharedFrame, at position: Position?, excluded: ConnectionID?, substitute: SharedFrame?) {
        self.frame = frame
        self.position = position
        self.excluded = excluded
        self.substitute = substitute
    }
}
