import WebSocketCore

/// What a shard finds in its mailbox.
enum Delivery: Sendable {
    /// A frame for everybody in an audience, or everybody but one.
    case all(Audience, except: Seat? = nil, SharedFrame)
    /// A frame for one subscriber.
    case one(Seat, SharedFrame)
    /// Somebody came; the frame, if any, is the first thing that it gets.
    case enter(Seat, SharedFrame?)
    /// Somebody left.
    case exit(Seat)
}
