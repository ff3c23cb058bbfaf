import WebSocketCore

/// A publication on its way to its subscribers: made once and shared by all audiences and shards.
final class PublishedFrame: Sendable {
    /// For those that are not told positions; `nil` when there is nobody.
    private let plain: SharedFrame?
    /// For those that are told positions; `nil` when there is nobody, or no position.
    private let positioned: SharedFrame?
    /// Where the publication stands, told or not; `nil` for what is only relayed.
    let position: Position?
    /// The connection that does not get it.
    let excluded: ConnectionID?
    /// What that one gets instead if it is told positions.
    private let substitute: SharedFrame?

    init(
        plain: SharedFrame?, positioned: SharedFrame?, at position: Position?, excluded: ConnectionID?,
        substitute: SharedFrame?
    ) {
        self.plain = plain
        self.positioned = positioned
        self.position = position
        self.excluded = excluded
        self.substitute = substitute
    }

    /// What an audience gets; `nil` when nobody was in it.
    func frame(for audience: Audience) -> SharedFrame? {
        (audience.isPositioned ? positioned : nil) ?? plain
    }

    /// What the connection that is left out gets; `nil` for nothing.
    func substitute(for audience: Audience) -> SharedFrame? { audience.isPositioned ? substitute : nil }
}
