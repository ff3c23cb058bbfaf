/// What happens to a channel in the whole cluster.
public enum DomainEvent: Hashable, Sendable {
    /// The first subscription.
    case occupied
    /// The last subscription is gone.
    case vacated
    /// A user came with its first connection.
    case memberAdded(Identity)
    /// A user's last connection is gone.
    case memberRemoved(Identity)
    /// A client has sent an event to others.
    case clientEvent(Publication, from: ConnectionID)
    /// Somebody subscribed to a cache channel that has nothing to show.
    case cacheMiss
    /// The number of subscriptions has changed.
    case subscriptionCount(Int)
}
