/// Where a channel and a shard meet one member.
///
/// References to it travel between threads in mailboxes and rosters; what varies is touched on the shard's thread only.
final class Seat: Sendable {
    let code: MemberCode
    /// Grows with every join of the channel, so rosters are sorted by it.
    let sequence: UInt64
    let audience: Audience
    /// The receiving end, kept until the shard has taken the seat off its list. Shard's thread only.
    nonisolated(unsafe) private var subscriber: Subscriber?
    /// Whether the member has left. Shard's thread only.
    nonisolated(unsafe) private(set) var hasLeft = false
    /// The index in the audience's list, or -1 before it is there. Shard's thread only.
    nonisolated(unsafe) var index = -1

    init(code: MemberCode, sequence: UInt64, audience: Audience, subscriber: Subscriber) {
        self.code = code
        self.sequence = sequence
        self.audience = audience
        self.subscriber = subscriber
    }

    /// The receiving end, unless the member has left. Shard's thread only.
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
