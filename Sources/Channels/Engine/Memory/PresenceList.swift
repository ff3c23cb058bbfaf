/// Who is present in one channel, through which connections of which nodes.
///
/// A channel has a thousand users at most unless somebody says otherwise, so users are found by looking through one
/// block of memory rather than by indexes, which would cost more memory than the users themselves.
struct PresenceList: Sendable {
    /// One connection that makes a user present.
    struct Connection: Hashable, Sendable {
        let id: ConnectionID
        let node: NodeID
    }

    private struct User: Sendable {
        let identity: Identity
        /// Of the identity: tells most users apart without a look at their bytes.
        let hash: Int
        var connection: Connection
        /// Further ones; nearly always none, which costs a word.
        var others: [Connection] = []

        func has(_ connection: Connection) -> Bool {
            self.connection == connection || others.contains(connection)
        }

        /// Whether there is still a connection afterwards.
        mutating func remove(where isGone: (Connection) -> Bool) -> Bool {
            others.removeAll(where: isGone)
            guard isGone(connection) else { return true }
            guard !others.isEmpty else { return false }
            connection = others.removeFirst()
            return true
        }
    }

    /// What an enter has changed, in this order.
    struct Entered: Sendable {
        var left: PresenceChange?
        var joined: PresenceChange?
    }

    private var users: [User] = []
    private(set) var version: UInt64

    init(version: UInt64 = 0) { self.version = version }

    var count: Int { users.count }
    var isEmpty: Bool { users.isEmpty }
    var snapshot: PresenceSnapshot { PresenceSnapshot(members: users.map(\.identity), version: version) }

    /// Whether somebody is present through a node.
    func involves(_ node: NodeID) -> Bool {
        users.contains { user in user.connection.node == node || user.others.contains { $0.node == node } }
    }

    /// Makes a user present through a connection; one that stood for another user stands for this one from now on.
    ///
    /// - Throws: ``EngineError/full``, and then nothing has changed.
    mutating func enter(
        _ identity: Identity, through connection: Connection, maximum: Int
    ) throws(EngineError) -> Entered {
        var entered = Entered()
        let hash = identity.hashValue
        let index = index(of: identity, hash)
        let former = users.firstIndex { $0.has(connection) }
        if let former {
            if former == index { return entered }
            let leaves = users[former].others.isEmpty
            guard index != nil || users.count - (leaves ? 1 : 0) < maximum else { throw .full }
            entered.left = remove(connection, from: former)
        } else {
            guard index != nil || users.count < maximum else { throw .full }
        }
        // The one before may have gone, so the place is another now.
        if let index = self.index(of: identity, hash) {
            users[index].others.append(connection)
            if PlantedBug.isOn(.joinTwice) { entered.joined = change(.joined, identity) }
        } else {
            users.append(User(identity: identity, hash: hash, connection: connection))
            entered.joined = change(.joined, identity)
        }
        return entered
    }

    /// Takes a connection away; a change when it was its user's last.
    mutating func leave(through connection: Connection) -> PresenceChange? {
        guard let index = users.firstIndex(where: { $0.has(connection) }) else { return nil }
        return remove(connection, from: index)
    }

    /// Takes all connections of a node away; the changes of users that are gone with them, in the order in which they
    /// had come.
    mutating func removeAll(of node: NodeID) -> [PresenceChange] {
        var gone: [Identity] = []
        users = users.compactMap { user in
            var user = user
            if user.remove(where: { $0.node == node }) { return user }
            gone.append(user.identity)
            return nil
        }
        if PlantedBug.isOn(.hideDeadNode) { return [] }
        return gone.map { change(.left, $0) }
    }

    private mutating func remove(_ connection: Connection, from index: Int) -> PresenceChange? {
        let stays = users[index].remove { $0 == connection }
        guard !stays || PlantedBug.isOn(.leaveTooEarly) else { return nil }
        return change(.left, users.remove(at: index).identity)
    }

    private mutating func change(_ kind: PresenceChange.Kind, _ identity: Identity) -> PresenceChange {
        version &+= 1
        return PresenceChange(kind: kind, identity: identity, version: version)
    }

    private func index(of identity: Identity, _ hash: Int) -> Int? {
        users.firstIndex { $0.hash == hash && $0.identity == identity }
    }
}
