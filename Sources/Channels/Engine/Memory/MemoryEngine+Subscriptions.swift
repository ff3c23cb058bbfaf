/// Who is told what happens in a channel, and how many subscriptions that are.
extension MemoryEngine {
    /// Begins to tell a sink what happens in a channel; see ``Engine/open(_:sink:completion:)``. Opening again what is
    /// open does nothing but to return the top.
    public func open(
        _ channel: ChannelAddress, sink: any ChannelSink,
        completion: @escaping @Sendable (Result<Position, EngineError>) -> Void
    ) {
        let top = store.use(channel, at: store.clock()) { log, state -> Position? in
            let standing = node.standing
            guard standing != .stopped else { return nil }
            state.changeSinks(of: log, by: node, store.ledger) {
                $0.open(sink, of: node.id, isSuspended: standing == .suspended)
            }
            return state.position
        }
        completion(top.map { .success($0) } ?? .failure(.unavailable))
    }

    /// Says how many subscriptions a sink stands for; see ``Engine/report(subscriptions:version:to:sink:)``. Before the
    /// sink is open it is kept for the opening, and after it was closed it comes to nothing.
    public func report(subscriptions: Int, version: UInt64, to channel: ChannelAddress, sink: any ChannelSink) {
        store.use(channel, at: store.clock()) { log, state in
            guard node.standing != .stopped else { return }
            state.changeSinks(of: log, by: node, store.ledger) { $0.report(subscriptions, version: version, of: sink) }
        }
    }

    /// Ends what opening began; see ``Engine/close(_:sink:)``.
    public func close(_ channel: ChannelAddress, sink: any ChannelSink) {
        _ = store.useExisting(channel, at: store.clock()) { log, state in
            state.changeSinks(of: log, by: node, store.ledger) { $0.close(sink) }
        }
    }

    /// How many are in a channel; see ``Engine/occupancy(_:completion:)``.
    public func occupancy(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<Occupancy, EngineError>) -> Void
    ) {
        guard !isStopped else { return completion(.failure(.unavailable)) }
        let occupancy = store.useExisting(channel, at: store.clock()) { _, state in state.occupancy }
        completion(.success(occupancy ?? Occupancy(subscriptions: 0, users: 0)))
    }

    /// The occupied channels of a namespace; see ``Engine/channels(in:prefix:completion:)``. Each channel's numbers are
    /// of one moment, but not all of the same.
    public func channels(
        in namespace: [UInt8], prefix: [UInt8],
        completion: @escaping @Sendable (Result<[(name: ChannelName, occupancy: Occupancy)], EngineError>) -> Void
    ) {
        guard !isStopped else { return completion(.failure(.unavailable)) }
        var found: [(name: ChannelName, occupancy: Occupancy)] = []
        for log in store.ledger.occupied.all(in: namespace) where log.address.name.bytes.starts(with: prefix) {
            let occupancy = log.occupancy
            if occupancy.subscriptions > 0 { found.append((log.address.name, occupancy)) }
        }
        completion(.success(found))
    }
}
