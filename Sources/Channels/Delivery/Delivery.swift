import WebSocketCore

/// What a shard finds in its mailbox.
enum Delivery: Sendable {
    /// A frame for everybody in an audience.
    case all(Audience, SharedFrame)
    /// A publication for an audience.
    case publication(Audience, PublishedFrame)
    /// A frame for everybody in an audience, with what it is about: a change of presence, a loss.
    case told(Audience, SharedFrame, DeliveryContext)
    /// A change of the roster, for the audience's own copy and for those in it.
    case roster(Audience, RosterChange)
    /// A frame for one subscriber.
    case one(Seat, SharedFrame)
    /// A subscriber came; a member is welcomed before it gets anything else.
    case enter(Seat, ListedMember?)
    /// A subscriber left.
    case exit(Seat)
    /// Something to be done on the shard's thread, after what was posted before.
    case call(@Sendable () -> Void)

    /// Bytes of the frames that wait with it.
    var byteCount: Int {
        switch self {
        case .all(_, let frame), .told(_, let frame, _), .one(_, let frame): frame.bytes.count
        case .publication(let audience, let published): published.frame(for: audience)?.bytes.count ?? 0
        case .roster(_, let change): change.byteCount
        case .enter, .exit, .call: 0
        }
    }
}
