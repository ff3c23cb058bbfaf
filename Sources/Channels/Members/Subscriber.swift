public import WebSocketCore

/// What receives the messages of channels: one connection's end of it. Subclass it and override ``deliver(_:)``.
///
/// It belongs to one shard and is used on that shard's thread only. A class and not a protocol, so that the fan-out to
/// many costs one method call for each and nothing more. The channel keeps it alive while it is a member or has
/// subscribed, and until the shard's next drain after that.
open class Subscriber {
    /// Creates a subscriber that is in no channel yet.
    public init() {}

    /// The connection's name in the cluster, for publications that leave it out. By default none has it.
    open var connectionID: ConnectionID? { nil }

    /// Whether the connection takes more at the moment: a replay waits while it does not, see
    /// ``Subscription/becameWritable()``. By default yes.
    open var isWritable: Bool { true }

    /// Queues `frame` on the connection; must be overridden.
    ///
    /// Called on the shard's thread. It may call ``Membership/leave()`` or ``Subscription/leave()`` (a reader that is
    /// too slow), and is then not called again for that channel.
    open func deliver(_ frame: SharedFrame) {
        // Not a peer's doing: whether a subclass overrides it is settled when the program is compiled.
        preconditionFailure("A subscriber must override deliver(_:).")
    }

    /// A subscription begins: called once for each, before the first delivery of its channel but for a room's welcome.
    /// Not called for raw subscriptions of a hub without an engine.
    ///
    /// Called on the shard's thread.
    open func started(_ channel: ChannelName, _ start: SubscriptionStart) {}

    /// A subscription can not begin; it has been left already. Called on the shard's thread.
    open func refused(_ channel: ChannelName, _ error: EngineError) {}

    /// The shard cannot deliver everything in order any more: it waited too long for what was missed, what it
    /// waits for is gone meanwhile, or the node has no room for it. It has to be closed with a code that means "come back and recover".
    ///
    /// Called on the shard's thread; the subscription has been left already, or goes with the connection.
    open func mustRecover(_ channel: ChannelName) {}

    /// The turn of a connection has come that waited with its commands, see ``Shard/waitForTurn(_:_:)``. On the shard's
    /// thread; the connection may have ended meanwhile.
    open func turnCame() {}

    /// Delivers a text of this subscriber's own that no channel is concerned with. On the shard's thread.
    public final func deliver(text: [UInt8]) { deliver(SharedFrame(.text, text)) }
}

@available(*, unavailable)
extension Subscriber: Sendable {}
