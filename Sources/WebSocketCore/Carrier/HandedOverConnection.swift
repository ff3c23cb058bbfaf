/// A plain connection on its way from the front door to a ``ConnectionCarrier``.
public struct HandedOverConnection: Sendable {
    /// The socket: connected, non-blocking, its 101 sent. Who has this value has to close it.
    public let descriptor: Int32
    /// What has arrived behind the request already.
    public let received: [UInt8]
    /// What the peer may ask.
    public let limits: ConnectionLimits
    /// Kept until the connection has ended: what counts it among the connections of its address, for example.
    public let claim: (any ConnectionClaim)?
    /// Makes the session, and the codecs when compression was negotiated; called once, on the connection's new loop.
    public let open: @Sendable (any WebSocketLoop) -> (session: WebSocketSession, codecs: MessageCodecs?)

    /// Composes a connection to hand over.
    public init(
        descriptor: Int32, received: [UInt8], limits: ConnectionLimits, claim: (any ConnectionClaim)? = nil,
        open: @escaping @Sendable (any WebSocketLoop) -> (session: WebSocketSession, codecs: MessageCodecs?)
    ) {
        self.descriptor = descriptor
        self.received = received
        self.limits = limits
        self.claim = claim
        self.open = open
    }
}
