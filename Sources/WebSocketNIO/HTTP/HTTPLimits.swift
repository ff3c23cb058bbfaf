/// What the front door accepts of a client before its 101, or of a plain HTTP request.
public struct HTTPLimits: Hashable, Sendable {
    /// Bytes of request line and fields together; more is answered with 431. Default 16 KiB.
    public var maximumHeadBytes = 16 * 1024
    /// Fields of a request; more is answered with 431. Default 100.
    public var maximumFields = 100
    /// Bytes of the request target; more is answered with 414. Default 4 KiB.
    public var maximumTargetBytes = 4 * 1024
    /// Bytes of a body with its framing; more is answered with 413. Default 256 KiB.
    public var maximumBodyBytes = 256 * 1024
    /// Milliseconds from accept, or from the first byte of a later request, to the end of the request; then 408.
    /// The body of a request to an ``HTTPService`` has ``bodyTimeout`` instead. Default 10,000.
    public var requestTimeout: UInt64 = 10_000

    /// Milliseconds for the body of a request to an ``HTTPService``, from the end of its head; then 408. So long may a
    /// part of its answer wait to be taken, too. Default 30,000.
    public var bodyTimeout: UInt64 = 30_000
    /// Milliseconds that a connection is kept without a request after one was answered on it. Default 75,000: more than
    /// the 60 s after which proxies drop idle upstream connections, so that the proxy closes first and sends nothing
    /// into a connection that ends.
    public var keepAliveTimeout: UInt64 = 75_000
    /// Requests on one connection; the last one is answered with `Connection: close`. Default 10,000.
    public var maximumRequests = 10_000

    /// Milliseconds for the head of a request on a connection of the reserve, see ``AcceptLimits/maximumConnections``.
    static let reservedHeadTimeout: UInt64 = 2_000

    /// The defaults.
    public init() {}
}
