/// Where a channel and a shard meet one subscriber.
///
/// References to it travel between threads in mailboxes and rosters; what varies is touched on the shard's thread only.
/// There is one for each subscriber of each channel, so every field of it counts: these make 48 bytes of heap.
final class Seat: Sendable {
    let audience: Audience
    /// The receiving end, kept until the shard has taken the seat off its list. Shard's thread only.
    nonisolated(unsafe) private var subscriber: Subscriber?
    /// The index in the audience's list, or -1 before it is there. Shard's thread only.
    nonisolated(unsafe) var index: Int32 = -1
    /// Whether the subscriber has left. Shard's thread only.
    nonisolated(unsafe) private(set) var hasLeft = false

    init(audience: Audience, subscriber: Subscriber) {
        self.audience = audience
        self.subscriber = subscriber
    }

    var channel: Channel { audience.channel }
    var shard: Shard { audience.shard }

    /// The receiving end, unless it has left. Shard's thread only.
    var present: Subscriber? { hasLeft ? nil : subscriber }

    /// Ends deliveries at once. Shard's thread only.
    func leave() {
        hasLeft = true
        audience.silence(self)
    }

    /// Takes the seat off its audience's list and lets go of the subscriber. Shard's thread only, and not while a
    /// delivery is under way.
    func clear() {
        audience.remove(self)
        subscriber = nil
    }
}
