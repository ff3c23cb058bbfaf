import WebSocketCore

/// A named place that members join, leave and publish to; in its ``ChannelHub`` from its first subscriber, member or
/// not, to its last.
///
/// One lock per channel makes the order of everything that happens in it, and every shard gets it in that order,
/// because it is posted in the same critical section. A publication reaches exactly those who came before it and have
/// not left before it.
final class Channel: Sendable {
    let name: ChannelName
    private let hub: ChannelHub
    private let state = Lock(State())

    init(name: ChannelName, hub: ChannelHub) {
        self.name = name
        self.hub = hub
    }

    /// Adds a member; `nil` when the last one has left meanwhile, and the channel with it.
    func join(as profile: Profile, with subscriber: Subscriber, on shard: Shard) throws(ChannelError) -> Membership? {
        let member = Member(code: MemberCode(), profile: profile)
        let place = try state.withLock { state throws(ChannelError) -> (Seat, MemberTicket)? in
            guard !state.isGone else { return nil }
            guard state.roster.count < hub.maximumMembers else { throw .full }
            if state.hasAnybody { state.post(hub.encoder.frame(for: .joined(member))) }
            let seat = state.admit(subscriber, on: shard, to: self)
            let ticket = state.enroll(member, at: seat)
            shard.post(.enter(seat, hub.encoder.frame(for: .welcomed(member, roster: state.members))))
            return (seat, ticket)
        }
        return place.map { Membership(seat: $0, ticket: $1) }
    }

    /// Adds a subscriber that is no member; `nil` when the last one has left meanwhile, and the channel with it.
    func subscribe(_ subscriber: Subscriber, on shard: Shard) -> Seat? {
        state.withLock { state in
            guard !state.isGone else { return nil }
            let seat = state.admit(subscriber, on: shard, to: self)
            shard.post(.enter(seat, nil))
            return seat
        }
    }

    func publish(_ publication: Publication) {
        publish(hub.encoder.frame(for: .said(publication)))
    }

    /// Gives everybody the frame.
    func publish(_ frame: SharedFrame?) { state.withLock { $0.post(frame) } }

    func publish(_ publication: Publication, from sender: Seat, to addressee: MemberCode) throws(ChannelError) {
        guard addressee != publication.sender else { throw .toOneself }
        let frame = hub.encoder.frame(for: .direct(publication, to: addressee))
        try state.withLock { state throws(ChannelError) in
            // Direct messages are rare beside those to everybody, so members pay no bytes for an index by code.
            guard let entry = state.roster.first(where: { $0.member.code == addressee }) else { throw .unknownMember }
            guard let frame else { return }
            sender.shard.post(.one(sender, frame))
            entry.seat.shard.post(.one(entry.seat, frame))
        }
    }

    func update(_ profile: Profile, of seat: Seat, _ ticket: MemberTicket) {
        state.withLock { state in
            guard let member = state.update(profile, of: ticket) else { return }
            if state.hasOthers {
                state.post(hub.encoder.frame(for: .left(member.code)), except: seat)
                state.post(hub.encoder.frame(for: .joined(member)), except: seat)
            }
            guard let welcome = hub.encoder.frame(for: .welcomed(member, roster: state.members)) else { return }
            seat.shard.post(.one(seat, welcome))
        }
    }

    /// Removes a seat, which must not have been removed before, and the entry in the roster that goes with it.
    func leave(_ seat: Seat, _ ticket: MemberTicket? = nil) {
        let isGone = state.withLock { state in
            state.dismiss(seat)
            if let ticket {
                state.strike(ticket)
                if !state.isGone { state.post(hub.encoder.frame(for: .left(ticket.code))) }
            }
            return state.isGone
        }
        if isGone { hub.forget(self) }
    }
}
