/// What the subscribers of a channel are told besides what is published there.
public enum ChannelEvent: Sendable {
    /// To everybody else: a member joined the roster.
    case joined(Member)
    /// To those who are still there: the member with this code left the roster.
    case left(MemberCode)
    /// A user is present, with its first connection in the cluster; not told to that connection.
    case memberAdded(Identity)
    /// A user is not present any more.
    case memberRemoved(Identity)
    /// Who is present, told again because changes may have been missed: what was known before does not count any more.
    case members(PresenceSnapshot)
    /// How many subscriptions the channel has in the cluster.
    case subscriptionCount(Int)
    /// To those that are told positions: publications were lost on the way to this node and are not to be had. With a
    /// gap, exactly those; without one the log is another. What follows comes after the position.
    case lost(Gap?, Position)
}
