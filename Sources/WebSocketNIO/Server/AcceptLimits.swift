/// How many connections a server takes: in all, of one address, and a second. What is `nil` has no limit.
///
/// What is refused is answered with 503 and words, 50 a second and 100 at a time at most; the rest is closed at once.
///
/// A limit below 1 is an error when the server starts.
public struct AcceptLimits: Hashable, Sendable {
    /// WebSockets; above it an upgrade gets 503. A reserve of 5 %, at least 16 connections, is there besides for
    /// connections that send a whole head within 2 s, so that the HTTP API answers at the limit, too; one address has at
    /// most a quarter of it. When that is full, new connections wait in the kernel. All of them together are never more
    /// than the process has descriptors for at the start, less 64 for everything else; that is the default.
    public var maximumConnections: Int? = .max
    /// Connections of one IPv4 address, or of one IPv6 network of 64 bits; behind a trusted proxy, WebSockets and requests
    /// under way of one. More are refused. Default 1,000.
    public var maximumConnectionsPerAddress: Int? = 1_000
    /// Whether one address gets at most half of ``maximumConnections``. It always does when the process has fewer descriptors
    /// than connections. Default no.
    public var limitsAddressToHalf = false
    /// New connections a second, sustained; half of them from one address, unless addresses are not counted. More are refused. Default 2,000.
    public var connectionsPerSecond: Int? = 2_000
    /// New connections at once after a quiet time. Default 4,000.
    public var connectionBurst = 4_000
    /// Whether this machine's own connections count as those of an address, too. Default no. An address that a
    /// trusted proxy names is never exempt.
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
