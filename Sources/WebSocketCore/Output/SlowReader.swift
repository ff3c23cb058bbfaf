/// A peer that did not take what was sent to it and was cut off, with ``ConnectionLimits/slowReaderCode``.
///
/// Carriers report one to the function that their configuration names, on the connection's loop; it must not block.
public struct SlowReader: Hashable, Sendable {
    /// The rule that the peer broke.
    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// More than ``ConnectionLimits/maximumPendingBytes`` waited.
        case hardLimit
        /// More than ``ConnectionLimits/softPendingBytes`` waited for ``ConnectionLimits/softPendingTime``.
        case softLimit
        /// The oldest byte that waited was older than ``ConnectionLimits/maximumPendingAge``.
        case stalled
        /// The whole node had too much waiting, and this was one of the longest queues; see ``OutputBudget``.
        case nodeBudget

        /// The rule in words, for a log.
        public var description: String {
            switch self {
            case .hardLimit: return "more bytes wait than the hard limit allows"
            case .softLimit: return "more bytes than the soft limit have waited for too long"
            case .stalled: return "the oldest byte has waited for too long"
            case .nodeBudget: return "the node's budget for output is used up"
            }
        }
    }

    /// The close frame for such a peer: it may come back, and read what it has missed where there is a history.
    public static func closeFrame(_ limits: ConnectionLimits) -> CloseFrame {
        CloseFrame(code: limits.slowReaderCode, reason: "reader too slow")
    }

    /// The rule that the peer broke.
    public let reason: Reason
    /// Bytes that waited for it when it was cut off.
    public let pendingBytes: Int
    /// The peer's address and port in text; empty when it is not known.
    public let peer: String

    /// Composes a report.
    public init(reason: Reason, pendingBytes: Int, peer: String) {
        self.reason = reason
        self.pendingBytes = pendingBytes
        self.peer = peer
    }
}
