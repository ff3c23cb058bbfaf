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

    /// How many on this shard hear what is published here.
    public var listenerCount: Int { seat.audience.count }

    /// The connection takes more again: a replay that waited for it goes on. Costs nothing when none does.
    public func becameWritable() { seat.becameWritable() }

    /// Leaves: from now on nothing is delivered, not even what was waiting. Further calls do nothing.
    ///
    /// Must be called when the connection ends, or the channel keeps the subscriber forever.
    public func leave() { mute()?.leave() }

    /// Ends deliveries at once, and leaves the rest of ``leave()`` for later: to leave a thousand channels takes a while.
    ///
    /// - Returns: what is still to leave the channel, or nothing if the subscription has left already.
    public func mute() -> MutedSubscription? {
        guard !seat.hasLeft else { return nil }
        seat.leave()
        return MutedSubscription(seat: seat)
    }
}

/// A ``Subscription`` that hears nothing any more, and still has to leave its channel.
public struct MutedSubscription {
    fileprivate let seat: Seat

    /// Leaves the channel. Must be called once.
    public func leave() { seat.channel.leave(seat) }
}

@available(*, unavailable)
extension Subscription: Sendable {}

@available(*, unavailable)
extension MutedSubscription: Sendable {}
