import WebSocketCore

/// A named place that members join, leave and publish to; in its ``ChannelHub`` from its first member to its last.
///
/// One lock per channel makes the order of everything that happens in it, and every shard gets it in that order,
/// because it is posted in the same critical section. A publication reaches exactly those who joined before it and have
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
    func join(as profile: Profile, with subscriber: Subscriber, on shard: Shard) throws(ChannelError) -> Seat? {
        let member = Member(code: MemberCode(), profile: profile)
        return try state.withLock { state throws(ChannelError) -> Seat? in
            guard !state.isGone else { return nil }
            guard state.roster.count < hub.maximumMembers else { throw .full }
            if !state.roster.isEmpty { state.post(frame(for: .joined(member))) }
            let seat = state.add(member, with: subscriber, on: shard)
            shard.post(.enter(seat, frame(for: .welcomed(member, roster: state.members))))
            return seat
        }
    }

    func publish(_ publication: Publication) {
        let frame = frame(for: .said(publication))
        state.withLock { $0.post(frame) }
    }

    func publish(_ publication: Publication, from sender: Seat, to addressee: MemberCode) throws(ChannelError) {
        guard addressee != sender.code else { throw .toOneself }
        let frame = frame(for: .direct(publication, to: addressee))
        try state.withLock { state throws(ChannelError) in
            // Direct messages are rare beside those to everybody, so members pay no bytes for an index by code.
            guard let entry = state.roster.first(where: { $0.seat.code == addressee }) else { throw .unknownMember }
            sender.audience.shard.post(.one(sender, frame))
            entry.seat.audience.shard.post(.one(entry.seat, frame))
        }
    }

    func update(_ profile: Profile, of seat: Seat) {
        state.withLock { state in
            guard let member = state.update(profile, of: seat) else { return }
            if state.roster.count > 1 {
                state.post(frame(for: .left(member.code)), except: seat)
                state.post(frame(for: .joined(member)), except: seat)
            }
            seat.audience.shard.post(.one(seat, frame(for: .welcomed(member, roster: state.members))))
        }
    }

    func leave(_ seat: Seat) {
        let isGone = state.withLock { state in
            guard state.remove(seat) else { return false }
            if !state.isGone { state.post(frame(for: .left(seat.code))) }
            return state.isGone
        }
        if isGone { hub.forget(self) }
    }

    private func frame(for event: ChannelEvent) -> SharedFrame {
        SharedFrame(.text, hub.encoder.text(for: event))
    }
}
