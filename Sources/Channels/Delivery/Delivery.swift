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
    /// Something to be done for one subscriber, after what was posted before for its audience.
    case turn(Turn)
    /// Something to be done on the shard's thread.
    case call(@Sendable () -> Void)

    /// What is done for one subscriber in its turn.
    final class Turn: Sendable {
        let seat: Seat
        let body: @Sendable () -> Void

        init(_ seat: Seat, _ body: @escaping @Sendable () -> Void) {
            self.seat = seat
            self.body = body
        }
    }

    /// Whose it is; its order counts among those of the same audience only.
    var audience: Audience? {
        switch self {
        case .all(let audience, _), .told(let audience, _, _), .publication(let audience, _), .roster(let audience, _):
            audience
        case .one(let seat, _), .enter(let seat, _), .exit(let seat): seat.audience
        case .turn(let turn): turn.seat.audience
        case .call: nil
        }
    }

    /// Whether it goes to everybody in its audience, and not to one subscriber.
    var isForAll: Bool {
        switch self {
        case .all, .publication, .told, .roster: true
        case .one, .enter, .exit, .turn, .call: false
        }
    }

    /// Bytes of the frames that wait with it.
    var byteCount: Int {
        switch self {
        case .all(_, let frame), .told(_, let frame, _), .one(_, let frame): frame.bytes.count
        case .publication(let audience, let published): published.frame(for: audience)?.bytes.count ?? 0
        case .roster(_, let change): change.byteCount
        case .enter, .exit, .turn, .call: 0
        }
    }
}
