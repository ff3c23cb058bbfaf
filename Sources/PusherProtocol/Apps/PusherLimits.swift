import Channels

/// The sizes and rates that an app allows.
public struct PusherLimits: Hashable, Sendable {
    /// Bytes of a channel's name; fixed.
    public static let channelNameBytes = ChannelName.maximumBytes

    /// Bytes of an event's name. Default 200.
    public var eventNameBytes = 200
    /// Bytes of the data of an event that is published over HTTP. Default 65,536.
    public var eventDataBytes = 65_536
    /// Bytes of the data of a client event. Default 10,240.
    public var clientEventBytes = 10_240
    /// Client events a second from one connection, and as many at once. Default 10.
    public var clientEventsPerSecond: UInt32 = 10
    /// Channels that one connection subscribes to. Default 1,000.
    public var channelsPerConnection = 1_000
    /// Users that are present in one channel. Default 1,000.
    public var presenceMembers = 1_000
    /// Bytes of what a user shows of itself, its `user_info`. Default 1,024.
    public var userInfoBytes = 1_024
    /// Bytes of a user's id. Default 128, and 128 at most.
    public var userIDBytes = 128
    /// Users that one signed-in connection watches. Default 100.
    public var watchlistUsers = 100
    /// Channels that one HTTP request publishes an event to. Default 100.
    public var channelsPerTrigger = 100
    /// Events in one batch of the HTTP API. Default 100.
    public var eventsPerBatch = 100
    /// Bytes of the body of an HTTP request. Default 262,144.
    public var requestBytes = 262_144
    /// HTTP requests a second with one key, and as many at once. Default 10,000.
    public var requestsPerSecond: UInt32 = 10_000
    /// Seconds of silence after which each side asks whether the other is still there. Default 30, at least 1: some
    /// proxies cut a connection that was silent for 60.
    public var activityTimeout = 30
    /// Seconds that each side waits for that answer. Default 30.
    public var pongTimeout = 30

    /// The defaults.
    public init() {}
}
