public import WebSocketCore

/// One subscriber's place in one channel as a member, from joining to leaving; what a session holds on to.
///
/// Copies are the same place. It belongs to the shard it was opened on and is used on that shard's thread only. After
/// ``leave()`` every other call does nothing.
public struct Membership {
    let seat: Seat
    let ticket: MemberTicket

    /// The code of the member.
    public var code: MemberCode { ticket.code }

    /// How many on this shard hear what is published here.
    public var listenerCount: Int { seat.audience.count }

    /// Publishes to the channel: to everybody in it, this member included, and to who comes back.
    ///
    /// - Parameters:
    ///   - retention: how much the channel keeps.
    ///   - completion: called on any thread with the position, or with why nothing was published; not after leaving.
    public func publish(
        _ publication: Publication, retention: Retention = Retention(),
        completion: @escaping @Sendable (Result<Position, EngineError>) -> Void = { _ in }
    ) {
        guard !seat.hasLeft else { return }
        seat.channel.publish(publication, retention, completion: completion)
    }

    /// Sends a frame to one other member, and to this one; nobody else hears of it, and nothing is kept.
    ///
    /// - Throws: ``ChannelError/toOneself``, ``ChannelError/unknownMember``.
    public func send(_ frame: SharedFrame, to addressee: MemberCode) throws(ChannelError) {
        guard !seat.hasLeft else { return }
        try seat.channel.send(frame, from: seat, ticket, to: addressee)
    }

    /// The connection takes more again: a replay that waited for it goes on, and a roster that waited is sent.
    public func becameWritable() {
        seat.becameWritable()
        guard seat.awaitsWelcome else { return }
        let (seat, sequence) = (seat, ticket.sequence)
        seat.shard.post(.turn(Delivery.Turn(seat) { seat.audience.welcomeLate(seat, sequence) }))
    }

    /// Shows another profile; the code and the place in the roster stay.
    ///
    /// The others are told that the member left and that it joined; this one is welcomed again.
    public func update(_ profile: Profile) {
        guard !seat.hasLeft else { return }
        seat.channel.update(profile, of: seat, ticket)
    }

    /// Sends a text to this member alone, after everything that the channel has for it so far.
    public func notify(_ text: [UInt8]) {
        guard !seat.hasLeft else { return }
        seat.shard.post(.one(seat, SharedFrame(.text, text)))
    }

    /// Leaves: from now on nothing is delivered, and the others are told, once, however often this is called.
    public func leave() {
        guard !seat.hasLeft else { return }
        // At once: what is in the mailbox already finds nobody. The next drain frees the rest.
        seat.leave()
        seat.channel.leave(seat, ticket)
    }
}

@available(*, unavailable)
extension Membership: Sendable {}
