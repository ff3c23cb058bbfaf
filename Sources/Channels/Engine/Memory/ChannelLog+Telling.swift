import WebSocketCore

/// What sinks and observers are told while the channel's lock is held.
extension ChannelLog.State {
    /// Gives a publication its position, keeps it and hands it out.
    mutating func publish(
        _ publication: Publication, _ retention: Retention, sharing shared: SharedPayload?, at now: MonotonicInstant,
        _ store: MemoryStore
    ) -> Position {
        if position.offset >= store.options.maximumOffset {
            begin(store.newEpoch())
            tell { $0.interrupted() }
        }
        let position = append(publication, retention, sharing: shared, at: now)
        tell { $0.received(publication, at: position) }
        return position
    }

    func relay(_ publication: Publication) {
        tell { $0.relayed(publication) }
    }

    /// Tells of a user that came or went through what `node` did or found.
    func tell(_ change: PresenceChange, in address: ChannelAddress, by node: MemoryNode) {
        tell { $0.presenceChanged(change) }
        node.observer?.observed(
            change.kind == .joined ? .memberAdded(change.identity) : .memberRemoved(change.identity), in: address)
    }

    /// Changes who is told and how many subscriptions that are, and tells if it is another number then, through what
    /// `node` did or found.
    mutating func changeSinks<Result>(
        of log: ChannelLog, by node: MemoryNode, _ ledger: Ledger, _ change: (inout SinkList) -> Result
    ) -> Result {
        let before = sinks.subscriptions
        let result = change(&sinks)
        let count = sinks.subscriptions
        guard count != before else { return result }
        if before == 0 {
            ledger.occupied.insert(log)
            node.observer?.observed(.occupied, in: log.address)
        }
        tell { $0.subscriptionsChanged(to: count) }
        node.observer?.observed(.subscriptionCount(count), in: log.address)
        if count == 0 {
            ledger.occupied.remove(log)
            if !PlantedBug.isOn(.neverVacate) { node.observer?.observed(.vacated, in: log.address) }
        }
        return result
    }

    private func tell(_ body: (any ChannelSink) -> Void) {
        for entry in sinks.entries where !entry.isSuspended { body(entry.sink) }
    }
}
