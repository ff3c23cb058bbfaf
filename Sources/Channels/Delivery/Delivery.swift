import WebSocketCore

/// What a shard finds in its mailbox.
enum Delivery: Sendable {
    /// A frame for everybody in an audience, or everybody but one.
    case all(Audience, except: Seat? = nil, SharedFrame)
    /// A publication for an audience.
    case publication(Audience, PublishedFrame)
    /// A frame for everybody in an audience, with what it is about: a change of presence, a loss.
    case told(Audience, SharedFrame, DeliveryContext)
    /// A frame for one subscriber.
    case one(Seat, SharedFrame)
    /// Somebody came; the frame, if any, is the first thing that it gets.
    case enter(Seat, SharedFrame?)
    /// Somebody left.
    case exit(Seat)
    /// Something to be done on the shard's thread, after what was posted before.
    case call(@Sendable () -> Void)
}
