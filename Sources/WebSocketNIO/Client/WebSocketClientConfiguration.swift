public import WebSocketCompression
public import WebSocketCore

/// How a ``WebSocketClient`` connects.
public struct WebSocketClientConfiguration: Sendable {
    /// Subprotocols to offer, the preferred one first (RFC 6455 §1.9).
    public var subprotocols: [String] = []
    /// Mode, level and windows of permessage-deflate. Default off.
    public var compression = DeflateConfiguration(mode: .off)
    /// What the server may ask of this side; without rate limits, since the client chose its server, and without limits
    /// of time on what waits to be sent, since a slow way to the server is no reason to leave it.
    public var limits: ConnectionLimits
    /// The `Origin` to send, as a browser does. Default none.
    public var origin: String?
    /// Further fields of the request, for example `Authorization`.
    public var fields: [(name: String, value: String)] = []
    /// Milliseconds from the call to the open connection. Default 10,000.
    public var connectTimeout: UInt64 = 10_000

    /// The defaults.
    public init() {
        limits = ConnectionLimits()
        limits.controlFramesPerSecond = nil
        limits.messagesPerSecond = nil
        limits.softPendingTime = .max
        limits.maximumPendingAge = .max
    }
}
