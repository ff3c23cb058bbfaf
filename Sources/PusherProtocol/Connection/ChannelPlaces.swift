import Channels

/// A connection's channels, in no order but one that depends on what happened only: found by name in constant time
/// where there are many.
struct ChannelPlaces {
    /// More are not looked through.
    private static let maximumListed = 16

    private(set) var all: [ChannelPlace] = []
    /// The indices by name, where there are many.
    private var indices: [ChannelName: Int] = [:]

    var count: Int { all.count }

    /// Where a channel stands; until the next change.
    func index(of name: ChannelName) -> Int? {
        all.count > Self.maximumListed ? indices[name] : all.firstIndex { $0.name == name }
    }

    /// The place in a channel.
    subscript(name: ChannelName) -> ChannelPlace? { index(of: name).map { all[$0] } }

    /// Sets the place in the channel that it names.
    mutating func set(_ place: ChannelPlace) {
        if let index = index(of: place.name) {
            all[index] = place
            return
        }
        all.append(place)
        if all.count == Self.maximumListed + 1 {
            for (index, place) in all.enumerated() { indices[place.name] = index }
        } else if all.count > Self.maximumListed {
            indices[place.name] = all.count - 1
        }
    }

    /// The channel has taken the subscription in; `false` when there is no place for it any more.
    mutating func confirm(_ name: ChannelName, _ subscription: Subscription) -> Bool {
        guard let index = index(of: name) else { return false }
        // The name that all in the channel share.
        all[index].name = subscription.channel
        all[index].subscription = subscription
        return true
    }

    /// Removes a channel: the last one takes its place.
    mutating func remove(_ name: ChannelName) -> ChannelPlace? {
        guard let index = index(of: name), let last = all.popLast() else { return nil }
        if all.count <= Self.maximumListed { indices = [:] } else { indices[name] = nil }
        guard index < all.count else { return last }
        let removed = all[index]
        all[index] = last
        if all.count > Self.maximumListed { indices[last.name] = index }
        return removed
    }

    /// Removes all.
    mutating func removeAll() -> [ChannelPlace] {
        defer { self = ChannelPlaces() }
        return all
    }
}
