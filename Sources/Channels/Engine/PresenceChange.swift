/// A user has come to a channel with its first connection, or gone with its last.
public struct PresenceChange: Hashable, Sendable {
    /// Which of the two.
    public enum Kind: Hashable, Sendable {
        /// With the first connection in the cluster.
        case joined
        /// With the last connection in the cluster, or because the node that had it is gone.
        case left
    }

    /// Which of the two.
    public let kind: Kind
    /// Who it is; of one that left the details need not be known.
    public let identity: Identity
    /// See ``PresenceSnapshot/version``.
    public let version: UInt64

    /// Composes a change.
    public init(kind: Kind, identity: Identity, version: UInt64) {
        self.kind = kind
        self.identity = identity
        self.version = version
    }
}
