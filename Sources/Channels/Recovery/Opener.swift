import WebSocketCore

/// A subscription that is being begun: what it asked for, and what was found out for it so far.
struct Opener: Sendable {
    let seat: Seat
    let request: SubscriptionRequest
    /// The connection that makes somebody present.
    let connection: ConnectionID?
    var members: PresenceSnapshot?
    var newest: Publication?
    var newestPosition: Position?
}
