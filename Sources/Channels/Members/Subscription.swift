import WebSocketCore

/// One subscriber's place in a channel of which it is no member, from subscribing to leaving; what a session holds on to.
///
/// It hears everything that the channel's members are all told, and what is published there, from the moment of
/// subscribing on. It has no code and no profile, stands in no roster, and is not counted among the members. Copies are
/// the same place. It belongs to the shard it was opened on and is used on that shard's thread only.
public struct Subscription {
    let seat: Seat

    /// The channel.
    public var channel: ChannelName { seat.channel.name }

    /// Whether the subscription has begun, see ``Subscriber/started(_:_:)``.
    public var hasStarted: Bool { !seat.isWaiting }

    /// The connection takes more again: a replay that waited for it goes on. Costs nothing when none does.
    public func becameWritable() { seat.becameWritable() }

    /// Leaves: from now on nothing is delivered, not even what was waiting. Further calls do nothing.
    ///
    /// Must be called when the connection ends, or the channel keeps the subscriber forever.
    public func leave() {
        guard !seat.hasLeft else { return }
        seat.leave()
        seat.channel.leave(seat)
    }
}

@available(*, unavailable)
extension Subscription: Sendable {}
