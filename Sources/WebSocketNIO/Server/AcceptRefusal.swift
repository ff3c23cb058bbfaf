/// A connection that was not let in because of a limit in ``AcceptLimits``.
public struct AcceptRefusal: Hashable, Sendable {
    /// The limit that it met.
    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// Its address has ``AcceptLimits/maximumConnectionsPerAddress`` already; it was closed.
        case addressLimit
        /// More than ``AcceptLimits/connectionsPerSecond``; it was answered with 503.
        case rate
        /// Far more than that; it was closed.
        case flood

        /// The limit in words, for a log.
        public var description: String {
            switch self {
            case .addressLimit: return "too many connections from one address: closed"
            case .rate: return "too many new connections a second: answered with 503"
            case .flood: return "far too many new connections a second: closed"
            }
        }
    }

    /// The limit that it met.
    public let reason: Reason
    /// The peer's address in text; empty when it is not known any more.
    public let peer: String

    /// Composes a report.
    public init(reason: Reason, peer: String) {
        self.reason = reason
        self.peer = peer
    }
}
