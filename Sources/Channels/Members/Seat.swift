import WebSocketCore

/// Where a channel and a shard meet one subscriber.
///
/// References to it travel between threads in mailboxes and rosters; what varies is touched on the shard's thread only.
/// There is one for each subscriber of each channel, so every field of it counts: these make 48 bytes of heap.
final class Seat: Sendable {
    let audience: Audience
    /// The receiving end, kept until the shard has taken the seat off its list. Shard's thread only.
    nonisolated(unsafe) private var subscriber: Subscriber?
    /// What stands before the receiving end as long as the subscription has not caught up. Shard's thread only.
    nonisolated(unsafe) private(set) var gate: Gate?
    /// The index in the audience's list, or -1 before it is there. Shard's thread only.
    nonisolated(unsafe) var index: Int32 = -1
    /// Whether the subscriber has left. Shard's thread only.
    nonisolated(unsafe) private(set) var hasLeft = false
    /// Whether a member is to be told the roster as soon as its connection takes more. Shard's thread only.
    nonisolated(unsafe) var awaitsWelcome = false
    /// The iteration in which a member was last told the roster. Shard's thread only.
    nonisolated(unsafe) var welcomed: UInt16 = 0

    /// - Parameter isGated: whether everything is held back until the subscription has begun.
    init(audience: Audience, subscriber: Subscriber, isGated: Bool) {
        self.audience = audience
        self.subscriber = subscriber
        if isGated { gate = Gate(seat: self, subscriber: subscriber) }
    }

    var channel: Channel { audience.channel }
    var shard: Shard { audience.shard }

    /// The receiving end, unless it has left. Shard's thread only.
    var present: Subscriber? { hasLeft ? nil : subscriber }

    /// What gets the deliveries: the gate or the receiving end, unless it has left. Shard's thread only.
    var receiver: Subscriber? { hasLeft ? nil : gate ?? subscriber }

    /// Whether the subscription has not begun yet. Shard's thread only.
    var isWaiting: Bool { gate?.hasStarted == false }

    /// The connection takes more again. Shard's thread only.
    func becameWritable() { gate?.becameWritable() }

    /// The subscription has caught up: from now on the receiving end gets the deliveries. Shard's thread only.
    func removeGate() {
        gate = nil
        audience.exchange(self)
    }

    /// The subscription can not go on: it is over, and the receiving end is told. Shard's thread only.
    func end(_ tell: (Subscriber) -> Void) {
        guard let subscriber = present else { return }
        let ticket = gate?.ticket
        leave()
        channel.leave(self, ticket)
        tell(subscriber)
    }

    /// Ends deliveries at once. Shard's thread only.
    func leave() {
        hasLeft = true
        if !PlantedBug.isOn(.deliverAfterLeave) { audience.silence(self) }
    }

    /// Takes the seat off its audience's list and lets go of the subscriber. Shard's thread only, and not while a
    /// delivery is under way.
    func clear() {
        audience.remove(self)
        subscriber = nil
        gate = nil
    }
}
