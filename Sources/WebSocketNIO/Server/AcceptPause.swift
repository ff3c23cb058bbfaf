/// A server that accepts nobody for a while; those that are there are served as before.
///
/// A server reports one to ``WebSocketServerConfiguration/onAcceptPaused`` when it begins, and not again until ten
/// seconds have passed without any.
public struct AcceptPause: Hashable, Sendable {
    /// Why nobody is accepted.
    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// There are as many connections as ``AcceptLimits/maximumConnections`` allows; it goes on when one has ended.
        case connectionLimit
        /// The process has no descriptor left (`EMFILE`); it tries again every second.
        case processDescriptors
        /// The system has no descriptor left (`ENFILE`); it tries again every second.
        case systemDescriptors
        /// The system has no memory for another socket (`ENOBUFS`, `ENOMEM`); it tries again every second.
        case memory

        /// Cause and cure, for a log.
        public var description: String {
            switch self {
            case .connectionLimit: return "there are as many connections as are allowed: raise the limit if need be"
            case .processDescriptors: return "the process may open no more descriptors: raise its limit (ulimit -n)"
            case .systemDescriptors: return "the system has no more descriptors: raise its limit (fs.file-max)"
            case .memory: return "the system has no memory for more sockets"
            }
        }
    }

    /// Why nobody is accepted.
    public let reason: Reason
    /// The connections that there are.
    public let connections: Int

    /// Composes a report.
    public init(reason: Reason, connections: Int) {
        self.reason = reason
        self.connections = connections
    }
}
