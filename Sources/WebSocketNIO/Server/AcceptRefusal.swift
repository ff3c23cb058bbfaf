/// A connection or request that was refused because of a limit in ``AcceptLimits``.
public struct AcceptRefusal: Hashable, Sendable {
    /// The limit that it met.
    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// Its address has ``AcceptLimits/maximumConnectionsPerAddress`` already.
        case addressLimit
        /// More new connections than ``AcceptLimits/connectionsPerSecond``.
        case rate
        /// There are ``AcceptLimits/maximumConnections`` WebSockets already.
        case connectionLimit
        /// There are that many connections, and its address has a quarter of the reserve.
        case reserve

        /// The limit in words, for a log and for the client.
        public var description: String {
            switch self {
            case .addressLimit: return "too many connections from one address"
            case .rate: return "too many new connections a second"
            case .connectionLimit: return "as many WebSockets as the server allows"
            case .reserve: return "the server is full, and this address has its share of the reserve"
            }
        }
    }

    /// The limit that it met.
    public let reason: Reason
    /// The client's address in text; empty when it is not known any more.
    public let peer: String
    /// Whether it got a 503 with words; otherwise it was closed at once, because too many others were being answered.
    public let isAnswered: Bool

    /// Composes a report.
    public init(reason: Reason, peer: String, isAnswered: Bool) {
        self.reason = reason
        self.peer = peer
        self.isAnswered = isAnswered
    }
}

extension AcceptRefusal.Reason {
    /// The answer to a refused connection.
    var answer: HTTPAnswer {
        .text(503, "Not now: \(self). Try again in a moment.", fields: [("Retry-After", "1")])
    }
}
