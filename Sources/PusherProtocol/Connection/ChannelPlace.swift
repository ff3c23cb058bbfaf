import Channels

/// A connection's place in one channel. There is one for each channel of each connection: 32 bytes.
struct ChannelPlace {
    /// The channel's name; shared with all others in the channel once the subscription is there.
    var name: ChannelName
    /// `nil` while the channel is being asked.
    var subscription: Subscription?
    /// Whom it makes present: what client events there bear.
    let userID: [UInt8]?
    let kind: PusherChannelKind
    /// Whether it asked for what came after a position.
    let isResuming: Bool
}
