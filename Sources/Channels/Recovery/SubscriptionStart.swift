/// How a subscription begins; what a subscriber is told before anything that the channel delivers.
public struct SubscriptionStart: Sendable {
    /// What became of the position that the subscriber had.
    public enum Recovery: Hashable, Sendable {
        /// Positions are of no interest.
        case none
        /// Everything up to this position is there, or follows now as replay, in order and once.
        case recovered(Position)
        /// What is in the gap is not delivered; the subscription starts after this position. Without a gap the position
        /// is not of this log.
        case lost(Gap?, Position)
    }

    /// What became of the position that the subscriber had.
    public let recovery: Recovery
    /// How many publications follow as replay, up to the position that ``recovery`` names.
    public let missed: UInt64
    /// Who is present, the subscriber's own identity included; `nil` when it has none and did not ask.
    public internal(set) var members: PresenceSnapshot?
    /// The newest publication; `nil` when none is kept, or none was asked for.
    public let newest: Publication?

    /// Where ``newest`` stands: what comes live is after it.
    var newestPosition: Position?

    /// Composes a start.
    public init(
        recovery: Recovery = .none, missed: UInt64 = 0, members: PresenceSnapshot? = nil, newest: Publication? = nil
    ) {
        self.recovery = recovery
        self.missed = missed
        self.members = members
        self.newest = newest
    }
}
