public import WebSocketCore

/// What receives the messages of channels: one connection's end of it. Subclass it and override ``deliver(_:)``.
///
/// It belongs to one shard and is used on that shard's thread only. A class and not a protocol, so that the fan-out to
/// many costs one method call for each and nothing more. The channel keeps it alive while it is a member or has
/// subscribed, and until the shard's next drain after that.
open class Subscriber {
    /// Creates a subscriber that is in no channel yet.
    public init() {}

    /// Queues `frame` on the connection; must be overridden.
    ///
    /// Called on the shard's thread. It may call ``Membership/leave()`` or ``Subscription/leave()`` (a reader that is
    /// too slow), and is then not called again for that channel.
    open func deliver(_ frame: SharedFrame) {
        // Not a peer's doing: whether a subclass overrides it is settled when the program is compiled.
        preconditionFailure("A subscriber must override deliver(_:).")
    }

    /// Delivers a text of this subscriber's own that no channel is concerned with. On the shard's thread.
    public final func deliver(text: [UInt8]) { deliver(SharedFrame(.text, text)) }
}

@available(*, unavailable)
extension Subscriber: Sendable {}
