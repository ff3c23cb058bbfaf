/// What a subscriber wants of a channel besides what is published from now on.
public struct SubscriptionRequest: Sendable {
    /// Where the subscription starts in the channel's log.
    public enum Start: Hashable, Sendable {
        /// With whatever comes next; positions are of no interest.
        case live
        /// With whatever comes next; the subscriber is told where that is, and the position of each publication.
        case here
        /// After the last position that the subscriber has; `nil` for one that no log has ever had.
        case after(Position?)
        /// With the newest publications that are kept, so many at most (300 at most).
        case newest(Int)
    }

    /// Where it starts.
    public var start: Start
    /// Whom the subscription makes present in the channel; `nil` for nobody.
    public var identity: Identity?
    /// Whether the subscriber is to be told the newest publication, if that is kept: a cache channel.
    public var wantsNewest: Bool
    /// Whether the subscriber is to be told who is present, without being so itself. With an identity it always is.
    public var wantsMembers: Bool

    /// Composes a request.
    public init(
        start: Start = .live, identity: Identity? = nil, wantsNewest: Bool = false, wantsMembers: Bool = false
    ) {
        self.start = start
        self.identity = identity
        self.wantsNewest = wantsNewest
        self.wantsMembers = wantsMembers
    }

    /// Whether positions go to the subscriber.
    var isPositioned: Bool { start != .live }
    /// Whether nothing has to be found out before the subscription starts.
    var isPlain: Bool { start == .live && identity == nil && !wantsNewest && !wantsMembers }
}
