/// How many connections a server takes: in all, of one address, and a second. What is `nil` has no limit.
///
/// A limit below 1 is an error when the server starts.
public struct AcceptLimits: Hashable, Sendable {
    /// Connections of the server in all, WebSockets and visitors. At the limit nobody is accepted: who comes waits in
    /// the kernel until somebody has gone. Never more than the process has descriptors for at the start, less 64 for
    /// everything else; that is the default.
    public var maximumConnections: Int? = .max
    /// Connections of one IPv4 address, or of one IPv6 network of 64 bits; more are closed without an answer.
    /// Default 1,000.
    public var maximumConnectionsPerAddress: Int? = 1_000
    /// New connections a second, sustained. More are answered with 503 and `Retry-After`, as many a second; the rest is
    /// closed without an answer. Default 2,000.
    public var connectionsPerSecond: Int? = 2_000
    /// New connections at once after a quiet time; and answers with 503. Default 4,000.
    public var connectionBurst = 4_000
    /// Whether this machine's own connections count as those of an address, too. Default no: a proxy on the same
    /// machine brings everybody's.
    public var limitsLoopback = false

    /// The defaults.
    public init() {}

    /// No limit at all: for benchmarks, or where something else guards the door.
    public static let unlimited: AcceptLimits = {
        var limits = AcceptLimits()
        limits.maximumConnections = nil
        limits.maximumConnectionsPerAddress = nil
        limits.connectionsPerSecond = nil
        return limits
    }()

    /// The first limit that lets nobody in, by name; `nil` when there is none such.
    var nameOfZero: String? {
        let limits = [
            ("maximumConnections", maximumConnections), ("maximumConnectionsPerAddress", maximumConnectionsPerAddress),
            ("connectionsPerSecond", connectionsPerSecond), ("connectionBurst", connectionBurst),
        ]
        return limits.first { ($0.1 ?? 1) < 1 }?.0
    }
}
