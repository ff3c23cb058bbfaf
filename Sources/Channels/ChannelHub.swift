/// All channels of one wire protocol on this node: each comes with its first member and goes with its last.
///
/// Any thread may use it; what is opened on a shard belongs to that shard's thread.
public final class ChannelHub: Sendable {
    /// How many members a channel has at most, unless said otherwise.
    public static let defaultMaximumMembers = 1_000

    /// How many members each channel has at most.
    public let maximumMembers: Int
    let encoder: any ChannelEncoder
    private let channels = Lock<[ChannelName: Channel]>([:])

    /// Creates a hub without channels.
    ///
    /// - Parameters:
    ///   - encoder: the wire protocol that all members of this hub's channels speak.
    ///   - maximumMembers: how many members a channel has at most; at least 1.
    public init(encoder: any ChannelEncoder, maximumMembers: Int = ChannelHub.defaultMaximumMembers) {
        precondition(maximumMembers > 0, "A channel needs room for at least one member.")
        self.encoder = encoder
        self.maximumMembers = maximumMembers
    }

    /// How many channels there are, each with at least one member. Any thread.
    public var channelCount: Int { channels.withLock { $0.count } }

    /// Makes `subscriber` a member of the channel `name`, which is created if need be. On the thread of `shard`.
    ///
    /// The first thing that it is delivered is its welcome with the roster; the other members are told.
    /// - Throws: ``ChannelError/full``.
    public func join(
        _ name: ChannelName, as profile: Profile, with subscriber: Subscriber, on shard: Shard
    ) throws(ChannelError) -> Membership {
        while true {
            // The last member of the channel that was found may leave before this one is in: then once more.
            let channel = channel(name)
            if let seat = try channel.join(as: profile, with: subscriber, on: shard) {
                return Membership(channel: channel, seat: seat)
            }
            forget(channel)
        }
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
