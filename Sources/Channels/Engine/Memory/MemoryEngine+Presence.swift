/// Who is present.
extension MemoryEngine {
    /// Makes a user present; see ``Engine/enter(_:identity:connection:maximumMembers:completion:)``.
    public func enter(
        _ channel: ChannelAddress, identity: Identity, connection: ConnectionID, maximumMembers: Int,
        completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) {
        let connection = PresenceList.Connection(id: connection, node: node.id)
        let result = store.use(channel, at: store.clock()) { log, state -> Result<PresenceSnapshot, EngineError> in
            guard node.standing == .alive else { return .failure(.unavailable) }
            do throws(EngineError) {
                let entered = try state.presence.enter(identity, through: connection, maximum: maximumMembers)
                if let left = entered.left { state.tell(left, in: log.address, by: node) }
                if let joined = entered.joined { state.tell(joined, in: log.address, by: node) }
                return .success(state.presence.snapshot)
            } catch {
                return .failure(error)
            }
        }
        completion(result)
    }

    /// Ends a user's presence through one connection of this node; see ``Engine/leave(_:connection:)``.
    public func leave(_ channel: ChannelAddress, connection: ConnectionID) {
        let connection = PresenceList.Connection(id: connection, node: node.id)
        _ = store.useExisting(channel, at: store.clock()) { log, state in
            if let left = state.presence.leave(through: connection) { state.tell(left, in: log.address, by: node) }
        }
    }

    /// Who is present; see ``Engine/members(_:completion:)``.
    public func members(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) {
        guard !isStopped else { return completion(.failure(.unavailable)) }
        let snapshot = store.useExisting(channel, at: store.clock()) { _, state in state.presence.snapshot }
        completion(.success(snapshot ?? PresenceSnapshot(members: [], version: 0)))
    }
}
