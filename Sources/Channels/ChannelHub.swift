public import WebSocketCore

/// All channels of one wire protocol on this node: each comes with its first subscriber, member or not, and goes with
/// its last.
///
/// Any thread may use it; what is opened on a shard belongs to that shard's thread.
public final class ChannelHub: Sendable {
    /// How many members a channel has at most, unless said otherwise.
    public static let defaultMaximumMembers = 1_000

    /// How many members each channel has at most. Subscribers that are no members are not counted.
    public let maximumMembers: Int
    let encoder: any ChannelEncoder
    private let channels = Lock<[ChannelName: Channel]>([:])

    /// Creates a hub without channels.
    ///
    /// - Parameters:
    ///   - encoder: the wire protocol that all subscribers of this hub's channels speak.
    ///   - maximumMembers: how many members a channel has at most; at least 1.
    public init(encoder: any ChannelEncoder, maximumMembers: Int = ChannelHub.defaultMaximumMembers) {
        precondition(maximumMembers > 0, "A channel needs room for at least one member.")
        self.encoder = encoder
        self.maximumMembers = maximumMembers
    }

    /// How many channels there are, each with at least one subscriber. Any thread.
    public var channelCount: Int { channels.withLock { $0.count } }

    /// Makes `subscriber` a member of the channel `name`, which is created if need be. On the thread of `shard`.
    ///
    /// The first thing that it is delivered is its welcome with the roster; the others are told.
    /// - Throws: ``ChannelError/full``.
    public func join(
        _ name: ChannelName, as profile: Profile, with subscriber: Subscriber, on shard: Shard
    ) throws(ChannelError) -> Membership {
        while true {
            // The last one in the channel that was found may leave before this one is in: then once more.
            let channel = channel(name)
            if let membership = try channel.join(as: profile, with: subscriber, on: shard) { return membership }
            forget(channel)
        }
    }

    /// Has `subscriber` hear what happens in the channel `name` from now on, without being a member; the channel is
    /// created if need be. On the thread of `shard`.
    ///
    /// Nobody is told, and there is no limit to the number.
    public func subscribe(_ name: ChannelName, with subscriber: Subscriber, on shard: Shard) -> Subscription {
        while true {
            let channel = channel(name)
            if let seat = channel.subscribe(subscriber, on: shard) { return Subscription(seat: seat) }
            forget(channel)
        }
    }

    /// Publishes to the channel `name` without being in it. Any thread.
    ///
    /// It is encoded once. When nobody is in the channel, nothing happens.
    /// - Parameter payload: valid during the call only; text must be UTF-8, which is the caller's promise.
    public func publish(_ kind: MessageKind, _ payload: RawSpan, to name: ChannelName) {
        guard let channel = channels.withLock({ $0[name] }) else { return }
        channel.publish(encoder.frame(for: kind, payload))
    }

    /// Drops a channel that nobody is in any more.
    func forget(_ channel: Channel) {
        channels.withLock { channels in
            // By now there may be another one with its name.
            if channels[channel.name] === channel { channels[channel.name] = nil }
        }
    }

    private func channel(_ name: ChannelName) -> Channel {
        channels.withLock { channels in
            if let channel = channels[name] { return channel }
            let channel = Channel(name: name, hub: self)
            channels[name] = channel
            return channel
        }
    }
}
