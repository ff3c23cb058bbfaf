public import PusherProtocol
import WebSocketCore

/// The sizes and rates of an app, as an operator gives them; what is `nil` has its default.
public struct AppLimitSettings: Hashable, Sendable, Codable {
    /// Bytes of an event's name.
    public var eventName: Int?
    /// Bytes of the data of an event that is published over HTTP.
    public var eventData: Int?
    /// Bytes of the data of a client event.
    public var clientEvent: Int?
    /// Client events a second from one connection.
    public var clientEventRate: Int?
    /// Channels of one connection.
    public var channels: Int?
    /// Users that are present in one channel.
    public var presenceMembers: Int?
    /// Bytes of a user's `user_info`.
    public var userInfo: Int?
    /// Bytes of a user's id.
    public var userID: Int?
    /// Users that one connection watches.
    public var watchlist: Int?
    /// Channels that one HTTP request publishes an event to.
    public var channelsPerTrigger: Int?
    /// Events in one batch.
    public var eventsPerBatch: Int?
    /// HTTP requests a second with one key.
    public var requestRate: Int?
    /// Seconds of silence after which each side asks whether the other is still there.
    public var activityTimeout: Int?
    /// Seconds for the answer to that.
    public var pongTimeout: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case channels, watchlist
        case eventName = "event_name"
        case eventData = "event_data"
        case clientEvent = "client_event"
        case clientEventRate = "client_event_rate"
        case presenceMembers = "presence_members"
        case userInfo = "user_info"
        case userID = "user_id"
        case channelsPerTrigger = "channels_per_trigger"
        case eventsPerBatch = "events_per_batch"
        case requestRate = "request_rate"
        case activityTimeout = "activity_timeout"
        case pongTimeout = "pong_timeout"
    }

    /// The defaults.
    public init() {}

    /// Puts the limits into an app's.
    public func apply(to limits: inout PusherLimits) {
        limits.eventNameBytes = eventName ?? limits.eventNameBytes
        limits.eventDataBytes = eventData ?? limits.eventDataBytes
        limits.clientEventBytes = clientEvent ?? limits.clientEventBytes
        limits.clientEventsPerSecond = clientEventRate.map { UInt32(clamping: $0) } ?? limits.clientEventsPerSecond
        limits.channelsPerConnection = channels ?? limits.channelsPerConnection
        limits.presenceMembers = presenceMembers ?? limits.presenceMembers
        limits.userInfoBytes = userInfo ?? limits.userInfoBytes
        limits.userIDBytes = userID ?? limits.userIDBytes
        limits.watchlistUsers = watchlist ?? limits.watchlistUsers
        limits.channelsPerTrigger = channelsPerTrigger ?? limits.channelsPerTrigger
        limits.eventsPerBatch = eventsPerBatch ?? limits.eventsPerBatch
        limits.requestsPerSecond = requestRate.map { UInt32(clamping: $0) } ?? limits.requestsPerSecond
        limits.activityTimeout = activityTimeout ?? limits.activityTimeout
        limits.pongTimeout = pongTimeout ?? limits.pongTimeout
    }

    /// What will not do, with the paths below this section.
    func problems() -> [SettingProblem] {
        let problems: [SettingProblem?] = [
            .range(eventName, 1...1024, "event_name"), .range(eventData, 1...262_144, "event_data"),
            .range(clientEvent, 1...65_536, "client_event"),
            .range(clientEventRate, 1...1_000_000, "client_event_rate"),
            .range(channels, 1...10_000, "channels"), .range(presenceMembers, 1...1_000_000, "presence_members"),
            userInfoProblem, .range(userID, 1...128, "user_id"),
            .range(watchlist, 1...1_000, "watchlist"), .range(channelsPerTrigger, 1...1_000, "channels_per_trigger"),
            .range(eventsPerBatch, 1...1_000, "events_per_batch"), .range(requestRate, 1...1_000_000, "request_rate"),
            .range(activityTimeout, 1...3_600, "activity_timeout"), .range(pongTimeout, 1...3_600, "pong_timeout"),
        ]
        return problems.compactMap { $0 }
    }

    /// A `user_info` arrives in a message of the client: one that is larger could never come.
    private var userInfoProblem: SettingProblem? {
        let message = ConnectionLimits().maximumMessageBytes
        guard let userInfo, !(1...message ~= userInfo) else { return nil }
        return SettingProblem(
            ["user_info"],
            "\(userInfo): give a number from 1 to \(message), the bytes of a client's largest message, which carries it."
        )
    }
}
