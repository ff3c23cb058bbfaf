import WebSocketCore

/// What is published, and the log that it is kept in.
extension MemoryEngine {
    /// Publishes all entries or none; see ``Engine/publish(_:completion:)``.
    public func publish(
        _ request: PublishRequest, completion: @escaping @Sendable (Result<[Position], EngineError>) -> Void
    ) {
        guard !isStopped else { return completion(.failure(.unavailable)) }
        let now = store.clock()
        guard let idempotency = request.idempotency else { return completion(append(request, at: now)) }
        let name = IdempotencyTable.Name(namespace: request.namespace, key: idempotency.key)
        // It has its share before it asks for something.
        let account = store.ledger.account(of: request.namespace)
        let turn = store.keys.withLock { keys in
            keys.begin(
                name, fingerprint: idempotency.fingerprint, positions: request.entries.count, at: now, completion)
        }
        switch turn {
        case .waits: return
        case .answered(let result):
            if case .failure(.overloaded) = result { store.report(.keys, account, at: now) }
            completion(result)
        case .first:
            let result = append(request, at: now)
            let waiting = store.keys.withLock { $0.end(name, with: result, at: now) }
            completion(result)
            for repetition in waiting { repetition(result) }
        }
    }

    private func append(_ request: PublishRequest, at now: MonotonicInstant) -> Result<[Position], EngineError> {
        let payloads = SharedPayloads(request.entries)
        // What others publish at the same moment does not count: each thread is above the budget by one request at most.
        guard payloads.bytes <= store.options.historyBudget else { return .failure(.overloaded) }
        // From here on nothing can fail.
        var positions: [Position] = []
        positions.reserveCapacity(request.entries.count)
        for (index, entry) in request.entries.enumerated() {
            let name = PlantedBug.isOn(.mixChannels) ? request.entries.first?.channel : nil
            let address = ChannelAddress(namespace: request.namespace, name: name ?? entry.channel)
            if PlantedBug.isOn(.tearBatch), positions.count == 2 { return .failure(.overloaded) }
            positions.append(
                store.use(address, at: now) { _, state in
                    state.publish(entry.publication, entry.retention, sharing: payloads[index], at: now, store)
                })
        }
        store.evict(at: now)
        return .success(positions)
    }

    /// Hands something to the sinks of a channel; see ``Engine/relay(_:to:)``.
    public func relay(_ publication: Publication, to channel: ChannelAddress) {
        guard !isStopped else { return }
        _ = store.useExisting(channel, at: store.clock()) { _, state in state.relay(publication) }
    }

    /// Reads the log; see ``Engine/history(_:since:limit:completion:)``. A limit below 0 or above 300 is taken for the
    /// nearest of the two.
    public func history(
        _ channel: ChannelAddress, since offset: UInt64?, limit: Int,
        completion: @escaping @Sendable (Result<HistoryPage, EngineError>) -> Void
    ) {
        guard !isStopped else { return completion(.failure(.unavailable)) }
        let now = store.clock()
        if let untouched = store.untouchedPosition(of: channel) {
            return completion(.success(HistoryPage(entries: [], top: untouched, oldest: 1)))
        }
        let page = store.use(channel, at: now) { _, state in
            state.page(since: offset, limit: min(max(limit, 0), 300), at: now)
        }
        completion(.success(page))
    }

    /// The newest publication; see ``Engine/newest(_:completion:)``.
    public func newest(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<HistoryPage.Entry?, EngineError>) -> Void
    ) {
        guard !isStopped else { return completion(.failure(.unavailable)) }
        let now = store.clock()
        let entry = store.useExisting(channel, at: now) { _, state in state.entry(at: state.position.offset, now) }
        completion(.success(entry ?? nil))
    }
}
