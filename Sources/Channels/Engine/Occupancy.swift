/// How many are in a channel, in the whole cluster.
public struct Occupancy: Hashable, Sendable {
    /// Subscriptions: one for each connection.
    public var subscriptions: Int
    /// Users that are present: 0 in channels without presence.
    public var users: Int

    /// Composes a count.
    public init(subscriptions: Int, users: Int) {
        self.subscriptions = subscriptions
        self.users = users
    }
}
