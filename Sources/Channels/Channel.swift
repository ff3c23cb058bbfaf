import WebSocketCore

/// A named place that members join, leave and publish to; in its ``ChannelHub`` from its first subscriber, member or
/// not, to its last.
///
/// One lock per channel makes the order of everything that happens in it on this node, and every shard gets it in that
/// order, because it is posted in the same critical section. A publication reaches exactly those who came before it and
/// have not left before it. The engine is never called with the lock held: it calls here with its own.
final class Channel: Sendable {
    let name: ChannelName
    let hub: ChannelHub
    let state = Lock(State())

    init(name: ChannelName, hub: ChannelHub) {
        self.name = name
        self.hub = hub
    }

    var encoder: any ChannelEncoder { hub.encoder }
    var address: ChannelAddress { hub.address(name) }

    /// Adds a member; `nil` when the last one has left meanwhile, and the channel with it.
    func join(
        as profile: Profile, with subscriber: Subscriber, on shard: Shard, _ request: SubscriptionRequest
    ) throws(ChannelError) -> Membership? {
        let member = Member(code: MemberCode(), profile: profile)
        let listing = encoder.listing(of: member)
        let isGated = !request.isPlain && hub.engine != nil
        let place = try state.withLock { state throws(ChannelError) -> (Seat, MemberTicket)? in
            guard !state.isGone else { return nil }
            guard state.roster.members.count < hub.maximumMembers else { throw .full }
            let listed = state.list(member, listing)
            if state.hasAnybody {
                state.post(RosterChange(.joined(listed), frames(.joined(member))))
            }
            let seat = state.admit(
                subscriber, on: shard, to: self, as: listed, isPositioned: request.isPositioned, isGated: isGated)
            state.enroll(listed, at: seat)
            shard.post(.enter(seat, listed))
            return (seat, MemberTicket(code: member.code, sequence: listed.sequence))
        }
        guard let (seat, ticket) = place else { return nil }
        seat.gate?.ticket = ticket
        begin(Opener(seat: seat, request: request, connection: nil), isGated: isGated)
        return Membership(seat: seat, ticket: ticket)
    }

    /// The messages for events that the protocol has messages for.
    private func frames(_ events: ChannelEvent...) -> [SharedFrame] {
        events.compactMap { encoder.frame(for: $0, in: name) }
    }

    /// Adds a subscriber that is no member; `nil` when the last one has left meanwhile, and the channel with it.
    func subscribe(_ subscriber: Subscriber, on shard: Shard, _ request: SubscriptionRequest) -> Seat? {
        let connection = request.identity == nil ? nil : subscriber.connectionID
        let place = state.withLock { state -> (seat: Seat, isGated: Bool)? in
            guard !state.isGone else { return nil }
            let isGated = hub.engine != nil && !(request.isPlain && state.opening == .open)
            let seat = state.admit(
                subscriber, on: shard, to: self, isPositioned: request.isPositioned, isGated: isGated)
            shard.post(.enter(seat, nil))
            return (seat, isGated)
        }
        guard let place else { return nil }
        // Before the next drain, so before anything that the channel delivers.
        if hub.engine != nil, !place.isGated { subscriber.started(name, SubscriptionStart()) }
        begin(Opener(seat: place.seat, request: request, connection: connection), isGated: place.isGated)
        return place.seat
    }

    /// Gives everybody on this node the frame.
    func publish(_ frame: SharedFrame?) { state.withLock { $0.post(frame) } }

    /// Publications of members that may wait for the engine.
    private static let maximumDeferred = 100

    /// Publishes what a member says; not before the engine tells this channel what is published, so that it comes back.
    func publish(
        _ publication: Publication, _ retention: Retention,
        completion: @escaping @Sendable (Result<Position, EngineError>) -> Void
    ) {
        let publish: @Sendable (EngineError?) -> Void = { [hub, name] error in
            if let error { return completion(.failure(error)) }
            let entry = PublishRequest.Entry(channel: name, publication: publication, retention: retention)
            hub.publish([entry]) { result in
                completion(result.flatMap { $0.first.map { .success($0) } ?? .failure(.unavailable) })
            }
        }
        let error = state.withLock { state -> EngineError?? in
            switch state.opening {
            case .open: return .some(nil)
            case .closed: return .some(.unavailable)
            case .underWay:
                guard state.deferred.count < Self.maximumDeferred else { return .some(.overloaded) }
                state.deferred.append(publish)
                return nil
            }
        }
        if let error { publish(error) }
    }

    /// Gives two members a frame, one of which has this seat.
    func send(
        _ frame: SharedFrame, from sender: Seat, _ ticket: MemberTicket, to addressee: MemberCode
    ) throws(ChannelError) {
        guard addressee != ticket.code else { throw .toOneself }
        try state.withLock { state throws(ChannelError) in
            guard let seat = state.seat(of: addressee) else { throw .unknownMember }
            sender.shard.post(.one(sender, frame))
            seat.shard.post(.one(seat, frame))
        }
    }

    func update(_ profile: Profile, of seat: Seat, _ ticket: MemberTicket) {
        let member = Member(code: ticket.code, profile: profile)
        let listed = ListedMember(member, listing: encoder.listing(of: member), sequence: ticket.sequence)
        state.withLock { state in
            guard state.update(listed) else { return }
            // The seat's own audience welcomes it again, as late as at its drain.
            state.post(
                RosterChange(
                    .changed(listed, by: seat), state.hasOthers ? frames(.left(member.code), .joined(member)) : []))
        }
    }

    /// Removes a seat, which must not have been removed before, and the entry in the roster that goes with it, if any.
    ///
    /// - Parameter ticket: the entry's; `nil` for a subscriber that is no member.
    func leave(_ seat: Seat, _ ticket: MemberTicket? = nil) {
        let outcome = state.withLock { state in
            state.dismiss(seat)
            if let ticket, state.strike(ticket), !state.isGone {
                state.post(RosterChange(.left(sequence: ticket.sequence), frames(.left(ticket.code))))
            }
            return (isGone: state.isGone, isOpen: state.opening == .open, gone: state.dismissPresence(of: seat))
        }
        if outcome.isGone { hub.forget(self) }
        guard let engine = hub.engine else { return }
        if let connection = outcome.gone { engine.leave(address, connection: connection) }
        if outcome.isGone {
            engine.close(address, sink: self)
        } else if outcome.isOpen {
            report(engine)
        }
    }
}
