import Channels

/// Presence as simply as it can be said: who came, in this order, through what.
struct PresenceModel {
    struct Place: Hashable {
        let node: Int
        let connection: ConnectionID
    }

    private struct User {
        let name: String
        var places: [Place]
    }

    private var users: [User] = []
    private(set) var version: UInt64 = 0
    /// `+ann` and `-ann`, with the node that it happened through.
    private(set) var comings: [(text: String, node: Int)] = []

    var names: [String] { users.map(\.name) }
    var places: [Place] { users.flatMap(\.places) }

    /// Whether there was room.
    mutating func enter(_ name: String, at place: Place, maximum: Int) -> Bool {
        if users.contains(where: { $0.name == name && $0.places.contains(place) }) { return true }
        var others = self
        others.leave(place)
        if !others.names.contains(name), others.names.count >= maximum { return false }
        self = others
        if let index = users.firstIndex(where: { $0.name == name }) {
            users[index].places.append(place)
        } else {
            users.append(User(name: name, places: [place]))
            note("+" + name, place.node)
        }
        return true
    }

    mutating func leave(_ place: Place) { leave({ $0 == place }, foundBy: place.node) }

    mutating func end(_ node: Int, foundBy finder: Int) { leave({ $0.node == node }, foundBy: finder) }

    private mutating func leave(_ isGone: (Place) -> Bool, foundBy node: Int) {
        var left: [User] = []
        for user in users {
            var user = user
            user.places.removeAll(where: isGone)
            if user.places.isEmpty { note("-" + user.name, node) } else { left.append(user) }
        }
        users = left
    }

    private mutating func note(_ text: String, _ node: Int) {
        version += 1
        comings.append((text, node))
    }
}
