/// What the connections of a route have in common, worked out once: role, limits, and what follows from them.
///
/// Immutable, and shared by reference, so that a connection pays one word for it. Any thread.
public final class ConnectionRules: Sendable {
    /// Which side the connections are on.
    public let role: Role
    /// What the peers may ask.
    public let limits: ConnectionLimits

    /// The longest message that may arrive as one frame; negative when no message may.
    let maximumWholeMessage: Int
    let controlFrameRate: TokenBucket.Rate?
    let messageRate: TokenBucket.Rate?
    let byteRate: TokenBucket.Rate?

    /// Works them out.
    public init(role: Role, limits: ConnectionLimits) {
        self.role = role
        self.limits = limits
        maximumWholeMessage = limits.maximumFragments > 0 ? limits.maximumMessageBytes : -1
        controlFrameRate = limits.controlFramesPerSecond.map {
            TokenBucket.Rate(perSecond: $0, burst: Self.burst($0))
        }
        messageRate = limits.messagesPerSecond.map { TokenBucket.Rate(perSecond: $0, burst: Self.burst($0)) }
        byteRate = limits.bytesPerSecond.map {
            TokenBucket.Rate(perSecond: $0, burst: UInt32(clamping: limits.maximumMessageBytes))
        }
    }

    /// Two seconds' worth; as many as a bucket can hold instead of an overflow.
    private static func burst(_ perSecond: UInt32) -> UInt32 { UInt32(clamping: UInt64(perSecond) * 2) }
}
