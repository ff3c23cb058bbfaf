/// One message that is published to a channel. What it says is opaque here, and travels byte for byte.
public struct Publication: Hashable, Sendable {
    /// What the message is called, UTF-8; empty where a wire protocol knows no events.
    public var event: [UInt8]
    /// What is said.
    public var data: [UInt8]
    /// Who says it, as far as receivers are told: an identity or a name, never taken from what a client claims. `nil`
    /// when nobody is named.
    public var sender: [UInt8]?
    /// The connection that is not to get it, wherever in the cluster that is; not kept in a history.
    public var excluded: ConnectionID?

    /// Composes a publication.
    public init(event: [UInt8] = [], data: [UInt8], sender: [UInt8]? = nil, excluded: ConnectionID? = nil) {
        self.event = event
        self.data = data
        self.sender = sender
        self.excluded = excluded
    }

    /// What it counts for in histories: its bytes, and 64 for what surrounds them.
    public var keptBytes: Int { event.count + data.count + (sender?.count ?? 0) + 64 }
}
