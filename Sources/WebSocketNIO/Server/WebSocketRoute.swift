public import WebSocketCore

/// What a path offers to WebSocket clients.
public struct WebSocketRoute: Sendable {
    /// The subprotocols and origins that are accepted.
    public var handshake: ServerHandshake
    /// What a connection may ask.
    public var limits: ConnectionLimits
    /// Makes the session of a connection; called on the connection's loop, after the 101.
    public var makeSession: @Sendable (AcceptedRequest) -> WebSocketSession

    /// Composes a route.
    public init(
        handshake: ServerHandshake = ServerHandshake(), limits: ConnectionLimits = ConnectionLimits(),
        makeSession: @escaping @Sendable (AcceptedRequest) -> WebSocketSession
    ) {
        self.handshake = handshake
        self.limits = limits
        self.makeSession = makeSession
    }
}
