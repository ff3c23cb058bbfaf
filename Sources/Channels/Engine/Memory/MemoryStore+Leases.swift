import WebSocketCore

/// Which nodes are alive.
extension MemoryStore {
    struct Lease: Sendable {
        let node: MemoryNode
        var end: MonotonicInstant
    }

    /// A node begins. One with the same name before it is over.
    func begin(_ node: MemoryNode) {
        let now = clock()
        leases.withLock { leases in
            if let former = leases[node.id]?.node { remove(former, by: node, at: now) }
            leases[node.id] = Lease(node: node, end: now.advanced(by: options.leaseMilliseconds))
        }
    }

    /// A node shows that it is alive, and looks after the others.
    func renew(_ node: MemoryNode, at now: MonotonicInstant) {
        leases.withLock { leases in
            guard node.standing != .stopped else { return }
            leases[node.id]?.end = now.advanced(by: options.leaseMilliseconds)
            if node.standing == .suspended { resume(node, at: now) }
            let ended = leases.values.filter { $0.end <= now && $0.node.standing == .alive }
            for lease in ended.sorted(by: { $0.node.id.rawValue < $1.node.id.rawValue }) {
                suspend(lease.node, by: node, at: now)
            }
        }
    }

    /// A node ends.
    func end(_ node: MemoryNode) {
        let now = clock()
        leases.withLock { leases in
            guard node.standing != .stopped else { return }
            leases[node.id] = nil
            remove(node, by: node, at: now)
        }
    }

    private func suspend(_ node: MemoryNode, by finder: MemoryNode, at now: MonotonicInstant) {
        node.standing = .suspended
        forEachChannel(of: node, at: now) { log, state in
            state.changeSinks(of: log, by: finder, ledger) { $0.suspend(node.id) }
            for change in state.presence.removeAll(of: node.id) { state.tell(change, in: log.address, by: finder) }
        }
    }

    private func resume(_ node: MemoryNode, at now: MonotonicInstant) {
        node.standing = .alive
        forEachChannel(of: node, at: now) { log, state in
            let resumed = state.changeSinks(of: log, by: node, ledger) { $0.resume(node.id) }
            for sink in resumed { sink.interrupted() }
        }
    }

    private func remove(_ node: MemoryNode, by finder: MemoryNode, at now: MonotonicInstant) {
        node.standing = .stopped
        forEachChannel(of: node, at: now) { log, state in
            state.changeSinks(of: log, by: finder, ledger) { $0.removeAll(of: node.id) }
            for change in state.presence.removeAll(of: node.id) { state.tell(change, in: log.address, by: finder) }
        }
    }

    private func forEachChannel(
        of node: MemoryNode, at now: MonotonicInstant, _ body: (ChannelLog, inout ChannelLog.State) -> Void
    ) {
        for log in directory.all(where: { $0.involves(node.id) }) { _ = log.use(at: now, ledger, body) }
    }
}
