/// Who is present in one channel, through which connections of which nodes.
///
/// Users and connections are found in constant time, however many connections one user has: they may all leave at once.
struct PresenceList: Sendable {
    /// One connection that makes a user present.
    struct Connection: Hashable, Sendable {
        let id: ConnectionID
        let node: NodeID
    }

    private struct User: Sendable {
        let identity: Identity
        /// Grows with each user that comes.
        let number: UInt64
        var connections: Int
    }

    /// What an enter has changed, in this order.
    struct Entered: Sendable {
        var left: PresenceChange?
        var joined: PresenceChange?
    }

    /// In the order in which they came, which is the order of their numbers.
    private var users: [User] = []
    /// The numbers of the users.
    private var numbers = SmallTable<Identity, UInt64>()
    /// The number of each connection's user.
    private var connections = SmallTable<Connection, UInt64>()
    private var nextNumber: UInt64 = 0
    private(set) var version: UInt64

    init(version: UInt64 = 0) { self.version = version }

    var count: Int { users.count }
    var isEmpty: Bool { users.isEmpty }
    var snapshot: PresenceSnapshot { PresenceSnapshot(members: users.map(\.identity), version: version) }

    /// Whether somebody is present through a node.
    func involves(_ node: NodeID) -> Bool { connections.contains { $0.node == node } }

    /// Makes a user present through a connection; one that stood for another user stands for this one from now on.
    ///
    /// - Throws: ``EngineError/full``, and then nothing has changed.
    mutating func enter(
        _ identity: Identity, through connection: Connection, maximum: Int
    ) throws(EngineError) -> Entered {
        var entered = Entered()
        let known = numbers[identity]
        if let former = connections[connection], let place = place(of: former) {
            if former == known { return entered }
            let leaves = users[place].connections == 1
            guard known != nil || users.count - (leaves ? 1 : 0) < maximum else { throw .full }
            entered.left = leave(through: connection)
        } else {
            guard known != nil || users.count < maximum else { throw .full }
        }
        if let known, let place = place(of: known) {
            users[place].connections += 1
            connections[connection] = known
            if PlantedBug.isOn(.joinTwice) { entered.joined = change(.joined, identity) }
        } else {
            users.append(User(identity: identity, number: nextNumber, connections: 1))
            numbers[identity] = nextNumber
            connections[connection] = nextNumber
            nextNumber += 1
            entered.joined = change(.joined, identity)
        }
        return entered
    }

    /// Takes a connection away; a change when it was its user's last.
    mutating func leave(through connection: Connection) -> PresenceChange? {
        guard let number = connections[connection] else { return nil }
        connections[connection] = nil
        guard let place = place(of: number) else { return nil }
        users[place].connections -= 1
        guard users[place].connections == 0 || PlantedBug.isOn(.leaveTooEarly) else { return nil }
        let identity = users.remove(at: place).identity
        numbers[identity] = nil
        return change(.left, identity)
    }

    /// Takes all connections of a node away; the changes of users that are gone with them, in the order in which they
    /// had come.
    mutating func removeAll(of node: NodeID) -> [PresenceChange] {
        for number in connections.removeAll(where: { $0.node == node }) {
            if let place = place(of: number) { users[place].connections -= 1 }
        }
        let gone = users.filter { $0.connections == 0 }.map(\.identity)
        users.removeAll { $0.connections == 0 }
        for identity in gone { numbers[identity] = nil }
        if PlantedBug.isOn(.hideDeadNode) { return [] }
        return gone.map { change(.left, $0) }
    }

    private mutating func change(_ kind: PresenceChange.Kind, _ identity: Identity) -> PresenceChange {
        version &+= 1
        return PresenceChange(kind: kind, identity: identity, version: version)
    }

    /// Where the user with a number stands, found by halves.
    private func place(of number: UInt64) -> Int? {
        var low = users.startIndex
        var high = users.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if users[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < users.endIndex && users[low].number == number ? low : nil
    }
}
