import WebSocketCore

/// What the engine tells.
extension Channel: ChannelSink {
    func received(_ publication: Publication, at position: Position) {
        state.withLock { state in
            switch state.stream.receive(publication, at: position) {
            case .drop: return
            case .wait: break
            case .deliver:
                state.post(publication, at: position, self)
                for item in state.stream.next() { state.post(item.publication, at: item.position, self) }
            }
            if state.stream.needsFilling { scheduleCatchUp(state) }
        }
    }

    func relayed(_ publication: Publication) {
        state.withLock { $0.post(publication, at: nil, self) }
    }

    func presenceChanged(_ change: PresenceChange) {
        state.withLock { state in
            let isLossless = hub.engine?.isLossless ?? true
            if let last = state.presenceVersion {
                guard change.version > last else { return }
                // Somebody who was told an older snapshot may not know whom it is about.
                guard change.version == last + 1, !state.mustTellMembers else {
                    state.needsMembers = true
                    return scheduleCatchUp(state)
                }
            } else if !isLossless {
                // Whether it is the first one can not be told.
                state.needsMembers = true
                return scheduleCatchUp(state)
            }
            state.presenceVersion = change.version
            let event: ChannelEvent =
                change.kind == .joined ? .memberAdded(change.identity) : .memberRemoved(change.identity)
            state.post(encoder.frame(for: event, in: name), version: change.version)
        }
    }

    func subscriptionsChanged(to count: Int) {
        guard hub.tellsSubscriptionCounts else { return }
        state.withLock { state in
            state.untoldCount = count
            tellCount(&state)
        }
    }

    func interrupted() {
        state.withLock { state in
            state.stream.interrupted()
            state.mustReport = state.opening == .open
            state.needsMembers = state.presenceVersion != nil || !state.presences.isEmpty
            if !PlantedBug.isOn(.neverReenter) { state.presences.reenterAll() }
            scheduleCatchUp(state)
        }
    }

    /// A channel with more subscriptions tells their number every 5 s at most.
    private static let alwaysToldSubscriptions = 100
    private static let countInterval: UInt64 = 5_000

    private func tellCount(_ state: inout State) {
        guard let count = state.untoldCount else { return }
        let now = hub.clock()
        if count > Self.alwaysToldSubscriptions, let told = state.countWasTold, now.since(told) < Self.countInterval {
            return hub.remember(self)
        }
        state.untoldCount = nil
        state.countWasTold = now
        state.post(encoder.frame(for: .subscriptionCount(count), in: name))
    }

    /// The engine must not be called from here: one of the loops does it.
    func scheduleCatchUp(_ state: State) {
        state.anyShard?.post(.call { [self] in catchUp() })
    }

    /// What is due now and then.
    func tick() {
        guard let engine = hub.engine else { return }
        let mustOpen = state.withLock { state -> Bool in
            tellCount(&state)
            state.forgetMembers()
            guard state.opening == .closed, !state.isGone else { return false }
            state.opening = .underWay
            return true
        }
        if mustOpen { return open(engine) }
        if !engine.isLossless {
            state.withLock { state in
                state.stream.interrupted()
                state.needsMembers = state.presenceVersion != nil
            }
        }
        catchUp()
    }

    /// Reads what is missing, if anything is. On a loop's thread or a timer's.
    private func catchUp() {
        guard let engine = hub.engine else { return }
        let mustReport = state.withLock { state in
            defer { state.mustReport = false }
            return state.mustReport && !state.isGone
        }
        if mustReport { report(engine) }
        enum Task {
            case log(Position)
            case members
            case enter(Presence)
        }
        let task = state.withLock { state -> Task? in
            guard !state.isCatchingUp, !state.isGone, state.opening == .open else { return nil }
            var task: Task?
            if let presence = state.presences.nextToReenter() {
                task = .enter(presence)
            } else if state.stream.needsFilling, let last = state.stream.last {
                task = .log(last)
            } else if state.needsMembers {
                task = .members
            }
            state.isCatchingUp = task != nil
            return task
        }
        switch task {
        case .log(let last): readLog(after: last, engine)
        case .members: readMembers(engine)
        case .enter(let presence): enterAgain(presence, engine)
        case nil: break
        }
    }

    private func readLog(after last: Position, _ engine: any Engine) {
        engine.history(address, since: last.offset, limit: Self.pageSize) { [self] result in
            state.withLock { state in
                state.isCatchingUp = false
                guard case .success(let page) = result else { return hub.remember(self) }
                for step in state.stream.fill(with: page, limit: Self.pageSize) {
                    switch step {
                    case .publication(let publication, let position): state.post(publication, at: position, self)
                    case .lost(let gap, let position):
                        state.postToPositioned(
                            encoder.frame(for: .lost(gap, position), in: name),
                            DeliveryContext(position: position, loss: gap.map { .from($0.from) } ?? .everything))
                    }
                }
                goOn(&state)
            }
        }
    }

    private func readMembers(_ engine: any Engine) {
        engine.members(address) { [self] result in
            // Without the lock, since the list may be long.
            let list = (try? result.get()).flatMap { encoder.frame(for: .members($0), in: name) }
            state.withLock { state in
                state.isCatchingUp = false
                guard case .success(let snapshot) = result else { return hub.remember(self) }
                // Changes may have been told while the answer was on its way.
                let isOld = state.presenceVersion.map { snapshot.version < $0 } ?? false
                state.needsMembers = isOld && state.mustTellMembers
                if !isOld, state.presenceVersion != snapshot.version || state.mustTellMembers {
                    state.mustTellMembers = false
                    state.presenceVersion = snapshot.version
                    state.post(list, version: snapshot.version)
                }
                goOn(&state)
            }
        }
    }

    private func enterAgain(_ presence: Presence, _ engine: any Engine) {
        engine.enter(
            address, identity: presence.identity, connection: presence.connection, maximumMembers: hub.maximumMembers
        ) { [self] result in
            let hasLeft = state.withLock { state -> Bool in
                state.isCatchingUp = false
                let isPresent = (try? result.get()) != nil
                let hasLeft = state.presenceHasAnswered(of: presence.seat, isPresent: true)
                // With the next tick once more.
                if !isPresent, state.presences[presence.seat] != nil {
                    state.presences.update(presence.seat) { $0.mustReenter = true }
                    hub.remember(self)
                } else {
                    goOn(&state)
                }
                return hasLeft
            }
            if hasLeft { leave(presence.connection, engine) }
        }
    }

    private func goOn(_ state: inout State) {
        guard state.stream.needsFilling || state.needsMembers || state.presences.mustReenter()
        else { return }
        scheduleCatchUp(state)
    }

    /// A publication in the forms that are wanted.
    func published(
        _ publication: Publication, at position: Position?, isPlainWanted: Bool, isPositionWanted: Bool
    ) -> PublishedFrame {
        let told = isPositionWanted ? position : nil
        return PublishedFrame(
            plain: isPlainWanted ? encoder.frame(for: publication, at: nil, in: name) : nil,
            positioned: told.map { encoder.frame(for: publication, at: $0, in: name) },
            at: position, excluded: publication.excluded,
            substitute: publication.excluded == nil || PlantedBug.isOn(.forgetExcluded)
                ? nil : told.flatMap { encoder.frame(forPosition: $0, in: name) })
    }
}
