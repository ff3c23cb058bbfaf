/// Whom the subscriptions of one channel on this node make present, found by seat and by connection in constant time:
/// a thousand tabs of one user may leave at once.
struct PresenceTable: Sendable {
    private var entries: [Presence] = []
    /// Where each seat's entry stands.
    private var places: [ObjectIdentifier: Int] = [:]
    /// How many entries each connection has: two while one subscription takes the place of another.
    private var counts: [ConnectionID: Int] = [:]
    /// No entry before this one must be entered again.
    private var firstToReenter = 0

    var isEmpty: Bool { entries.isEmpty }

    /// Whether a subscription makes somebody present through the connection.
    func isPresent(_ connection: ConnectionID) -> Bool { counts[connection] != nil }

    /// The seat's entry, if it has one.
    subscript(seat: Seat) -> Presence? { places[ObjectIdentifier(seat)].map { entries[$0] } }

    /// Takes a new seat's entry in.
    mutating func append(_ presence: Presence) {
        places[ObjectIdentifier(presence.seat)] = entries.count
        counts[presence.connection, default: 0] += 1
        entries.append(presence)
    }

    /// Removes a seat's entry: the last one takes its place.
    mutating func remove(_ seat: Seat) -> Presence? {
        guard let index = places.removeValue(forKey: ObjectIdentifier(seat)), let last = entries.popLast() else {
            return nil
        }
        var removed = last
        if last.seat !== seat {
            removed = entries[index]
            entries[index] = last
            places[ObjectIdentifier(last.seat)] = index
            if last.mustReenter { firstToReenter = min(firstToReenter, index) }
        }
        let left = (counts[removed.connection] ?? 1) - 1
        counts[removed.connection] = left == 0 ? nil : left
        return removed
    }

    /// Changes a seat's entry, if it has one.
    mutating func update(_ seat: Seat, _ change: (inout Presence) -> Void) {
        guard let index = places[ObjectIdentifier(seat)] else { return }
        change(&entries[index])
        if entries[index].mustReenter { firstToReenter = min(firstToReenter, index) }
    }

    /// Has everybody enter again whose entering the engine has answered.
    mutating func reenterAll() {
        for index in entries.indices where !entries[index].isEntering { entries[index].mustReenter = true }
        firstToReenter = 0
    }

    /// Whether somebody has to be entered again.
    mutating func mustReenter() -> Bool {
        while firstToReenter < entries.count, !entries[firstToReenter].mustReenter { firstToReenter += 1 }
        return firstToReenter < entries.count
    }

    /// The next one to be entered again, which is being entered from now on.
    mutating func nextToReenter() -> Presence? {
        guard mustReenter() else { return nil }
        entries[firstToReenter].mustReenter = false
        entries[firstToReenter].isEntering = true
        return entries[firstToReenter]
    }
}
