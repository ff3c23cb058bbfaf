import WebSocketCore

/// How a subscription begins: the channel is opened, somebody becomes present, the log is read, the gate is told.
extension Channel {
    /// Begins a subscription that has its seat.
    func begin(_ opener: Opener, isGated: Bool) {
        guard let engine = hub.engine else { return }
        enum Next { case open, start, wait, nothing }
        let next = state.withLock { state -> Next in
            if state.opening == .open { return isGated ? .start : .nothing }
            if isGated { state.wait(opener) }
            guard state.opening == .closed else { return .wait }
            state.opening = .underWay
            return .open
        }
        switch next {
        case .open: open(engine)
        case .wait: break
        case .start:
            report(engine)
            start(opener, engine)
        case .nothing: report(engine)
        }
    }

    /// Tells the engine how many subscriptions there are; the versions say which of two reports is the newer one.
    func report(_ engine: any Engine) {
        let report = state.withLock { $0.makeReport() }
        engine.report(subscriptions: report.subscriptions, version: report.version, to: address, sink: self)
    }

    func open(_ engine: any Engine) {
        engine.open(address, sink: self) { [self] result in opened(result, engine) }
    }

    private func opened(_ result: Result<Position, EngineError>, _ engine: any Engine) {
        typealias Waiting = (openers: [Opener], deferred: [@Sendable (EngineError?) -> Void])
        let waiting = state.withLock { state -> Waiting in
            switch result {
            case .success(let top):
                for item in state.stream.open(at: top) { state.post(item.publication, at: item.position, self) }
                state.opening = .open
            case .failure: state.opening = .closed
            }
            defer { state.deferred = [] }
            return (state.takeWaiting(), state.deferred)
        }
        switch result {
        case .success:
            report(engine)
            for opener in waiting.openers { start(opener, engine) }
            for publish in waiting.deferred { publish(nil) }
        case .failure(let error):
            hub.remember(self)
            for opener in waiting.openers { refuse(opener, error) }
            for publish in waiting.deferred { publish(error) }
        }
    }

    private func start(_ opener: Opener, _ engine: any Engine) {
        guard let identity = opener.request.identity, let connection = opener.connection else {
            return readMembers(opener, engine)
        }
        state.withLock {
            $0.presences.append(Presence(seat: opener.seat, identity: identity, connection: connection))
        }
        engine.enter(address, identity: identity, connection: connection, maximumMembers: hub.maximumMembers) {
            [self] result in
            let hasLeft = state.withLock { state -> Bool in
                if case .success(let snapshot) = result { note(snapshot, engine, &state) }
                return state.presenceHasAnswered(of: opener.seat, isPresent: (try? result.get()) != nil)
            }
            if hasLeft { return leave(connection, engine) }
            switch result {
            case .success(let snapshot):
                var opener = opener
                opener.members = snapshot
                readLog(opener, engine)
            case .failure(let error):
                // It may be present through a subscription that this one was to take the place of.
                leave(connection, engine)
                refuse(opener, error)
            }
        }
    }

    /// Ends a presence late, unless another subscription of the connection has entered meanwhile: also in the channel
    /// that has come in this one's place.
    func leave(_ connection: ConnectionID, _ engine: any Engine) {
        if !hub.isPresent(connection, in: name) { engine.leave(address, connection: connection) }
    }

    /// A snapshot has come for a subscription.
    private func note(_ snapshot: PresenceSnapshot, _ engine: any Engine, _ state: inout State) {
        // With the next tick it is forgotten.
        if state.noteMembers(snapshot), engine.isLossless { hub.remember(self) }
        begin(snapshot, engine, &state)
    }

    /// The newest snapshot that is known, when it is no older than this one.
    func newest(_ snapshot: PresenceSnapshot) -> PresenceSnapshot {
        state.withLock { state in
            guard let newest = state.newestMembers, newest.version >= snapshot.version else { return snapshot }
            return newest
        }
    }

    /// The first snapshot says which change is the next one.
    private func begin(_ snapshot: PresenceSnapshot, _ engine: any Engine, _ state: inout State) {
        guard state.presenceVersion == nil else { return }
        state.presenceVersion = snapshot.version
        // Answers may overtake each other: who gets an older snapshot has missed what was taken for old meanwhile.
        guard !engine.isLossless, state.hasOthers else { return }
        state.needsMembers = true
        state.mustTellMembers = true
        scheduleCatchUp(state)
    }

    private func readMembers(_ opener: Opener, _ engine: any Engine) {
        guard opener.request.wantsMembers else { return readLog(opener, engine) }
        engine.members(address) { [self] result in
            switch result {
            case .success(let snapshot):
                state.withLock { note(snapshot, engine, &$0) }
                var opener = opener
                opener.members = snapshot
                readLog(opener, engine)
            case .failure(let error): refuse(opener, error)
            }
        }
    }

    /// After the log: so the newest publication is never older than the position that the subscription starts at.
    private func readNewest(
        _ opener: Opener, _ recovery: SubscriptionStart.Recovery, _ page: [HistoryPage.Entry], _ engine: any Engine
    ) {
        guard opener.request.wantsNewest else { return finish(opener, recovery, page) }
        // Not by `newest`, which says nothing of the epoch.
        engine.history(address, since: nil, limit: 1) { [self] result in
            switch result {
            case .success(let newest):
                var opener = opener
                opener.newest = newest.entries.last?.publication
                opener.newestPosition = newest.entries.last.map {
                    Position(epoch: newest.top.epoch, offset: $0.offset)
                }
                finish(opener, recovery, page)
            case .failure(let error): refuse(opener, error)
            }
        }
    }

    private func readLog(_ opener: Opener, _ engine: any Engine) {
        let since: UInt64?
        var limit = Self.pageSize
        switch opener.request.start {
        case .live: return readNewest(opener, .none, [], engine)
        case .here, .after(nil): (since, limit) = (0, 0)
        case .after(.some(let position)): since = position.offset
        case .newest(let count): (since, limit) = (nil, min(count, Self.pageSize))
        }
        engine.history(address, since: since, limit: limit) { [self] result in
            switch result {
            case .success(let page):
                readNewest(opener, Self.recovery(opener.request.start, page), page.entries, engine)
            case .failure(let error): refuse(opener, error)
            }
        }
    }

    /// Publications that are read at once.
    static var pageSize: Int { Bound.page.limit }

    private static func recovery(
        _ start: SubscriptionRequest.Start, _ page: HistoryPage
    ) -> SubscriptionStart.Recovery {
        guard case .after(let position) = start else { return .recovered(page.top) }
        guard let position, position.epoch == page.top.epoch || PlantedBug.isOn(.ignoreEpoch),
            position.offset <= page.top.offset
        else {
            return .lost(nil, page.top)
        }
        guard page.oldest <= position.offset + 1 || PlantedBug.isOn(.recoverTrimmed) else {
            let from = PlantedBug.isOn(.shiftGap) ? position.offset + 2 : position.offset + 1
            return .lost(Gap(from: from, to: page.top.offset, oldest: page.oldest), page.top)
        }
        return .recovered(page.top)
    }

    private func finish(_ opener: Opener, _ recovery: SubscriptionStart.Recovery, _ page: [HistoryPage.Entry]) {
        var page = page
        var missed: UInt64 = 0
        if case .recovered(let top) = recovery {
            if let first = page.first?.offset, first <= top.offset { missed = top.offset - first + 1 }
        } else {
            page = []
        }
        var start = SubscriptionStart(
            recovery: recovery, missed: missed, members: opener.members, newest: opener.newest)
        // Who is told positions knows it when it comes once more, in its place.
        if case .none = recovery { start.newestPosition = opener.newestPosition }
        let (whole, replay) = (start, page)
        post(to: opener.seat) { gate, seen, seenVersion in
            gate.begin(whole, replay, seen: seen, seenVersion: seenVersion)
        }
    }

    private func refuse(_ opener: Opener, _ error: EngineError) {
        let (seat, name) = (opener.seat, name)
        seat.shard.post(.turn(Delivery.Turn(seat) { seat.end { $0.refused(name, error) } }))
    }

    /// Reads the next page of a replay. On the seat's shard's thread.
    func readOn(after offset: UInt64, for seat: Seat) {
        hub.engine?.history(address, since: offset, limit: Self.pageSize) { [self] result in
            let page = try? result.get()
            post(to: seat) { gate, seen, seenVersion in
                gate.resume(page, seen: seen, seenVersion: seenVersion)
            }
        }
    }

    /// Tells a gate something, with how far the channel's stream has come at this moment in the order of its mailbox.
    private func post(to seat: Seat, _ tell: @escaping @Sendable (Gate, Position?, UInt64) -> Void) {
        state.withLock { state in
            let seen = state.stream.last
            let seenVersion = state.presenceVersion ?? 0
            seat.shard.post(
                .turn(
                    Delivery.Turn(seat) {
                        if let gate = seat.gate { tell(gate, seen, seenVersion) }
                    }))
        }
    }
}

extension Channel.State {
    /// The subscriber has left: whom it has made present is so no more. `nil` when nobody was, or when the engine has
    /// still to answer.
    mutating func dismissPresence(of seat: Seat) -> ConnectionID? {
        guard let presence = presences[seat] else { return nil }
        guard !presence.isEntering else {
            presences.update(seat) { $0.hasLeft = true }
            return nil
        }
        _ = presences.remove(seat)
        // Another subscription of the same connection may have taken this one's place.
        return presences.isPresent(presence.connection) ? nil : presence.connection
    }

    /// The engine has answered; whether the subscriber has left meanwhile.
    mutating func presenceHasAnswered(of seat: Seat, isPresent: Bool) -> Bool {
        guard let presence = presences[seat] else { return false }
        if presence.hasLeft || !isPresent {
            _ = presences.remove(seat)
        } else {
            presences.update(seat) { $0.isEntering = false }
        }
        return presence.hasLeft
    }
}
