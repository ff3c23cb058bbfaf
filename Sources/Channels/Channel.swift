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
        let isGated = !request.isPlain && hub.engine != nil
        let place = try state.withLock { state throws(ChannelError) -> (Seat, MemberTicket)? in
            guard !state.isGone else { return nil }
            guard state.roster.count < hub.maximumMembers else { throw .full }
            if state.hasAnybody { state.post(encoder.frame(for: .joined(member), in: name)) }
            let seat = state.admit(
                subscriber, on: shard, to: self, isPositioned: request.isPositioned, isGated: isGated)
            let ticket = state.enroll(member, at: seat)
            shard.post(.enter(seat, encoder.frame(for: .welcomed(member, roster: state.members), in: name)))
            return (seat, ticket)
        }
        guard let (seat, ticket) = place else { return nil }
        begin(Opener(seat: seat, request: request, connection: nil), isGated: isGated)
        return Membership(seat: seat, ticket: ticket)
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
            // Direct messages are rare beside those to everybody, so members pay no bytes for an index by code.
            guard let entry = state.roster.first(where: { $0.member.code == addressee }) else { throw .unknownMember }
            sender.shard.post(.one(sender, frame))
            entry.seat.shard.post(.one(entry.seat, frame))
        }
    }

    func update(_ profile: Profile, of seat: Seat, _ ticket: MemberTicket) {
        state.withLock { state in
            guard let member = state.update(profile, of: ticket) else { return }
            if state.hasOthers {
                state.post(encoder.frame(for: .left(member.code), in: name), except: seat)
                state.post(encoder.frame(for: .joined(member), in: name), except: seat)
            }
            guard let welcome = encoder.frame(for: .welcomed(member, roster: state.members), in: name) else { return }
            seat.shard.post(.one(seat, welcome))
        }
    }

    /// Removes a seat, which must not have been removed before, and the entry in the roster that goes with it, if any.
    ///
    /// - Parameter ticket: spares the search for that entry.
    func leave(_ seat: Seat, _ ticket: MemberTicket? = nil) {
        let outcome = state.withLock { state in
            state.dismiss(seat)
            if let ticket = ticket ?? state.ticket(of: seat) {
                state.strike(ticket)
                if !state.isGone { state.post(encoder.frame(for: .left(ticket.code), in: name)) }
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
