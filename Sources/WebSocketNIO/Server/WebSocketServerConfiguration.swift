public import WebSocketCompression
public import WebSocketCore

/// How a ``WebSocketServer`` listens and what it serves.
public struct WebSocketServerConfiguration: Sendable {
    /// The address or host name to listen on. Default 127.0.0.1.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 picks a free one. Default 8080.
    public var port = 8080
    /// Connections that may wait to be accepted. Default 4,096, the kernel's own default.
    public var backlog: Int32 = 4096
    /// How many connections are taken: WebSockets, of one address, and a second.
    public var accept = AcceptLimits()
    /// The proxies that may name the clients' addresses. Default none.
    public var proxies = TrustedProxies()
    /// Called once, for the first request with a forwarding header whose peer is no trusted proxy: the header is ignored.
    /// On a loop; it must not block. Default nothing.
    public var onUntrustedForwarding: @Sendable (_ header: String, _ peer: String) -> Void = { _, _ in }
    /// Is told when the server accepts nobody for a while. Any thread; it must not block. Default nothing.
    public var onAcceptPaused: @Sendable (AcceptPause) -> Void = { _ in }
    /// Called for each connection or request that a limit in ``accept`` refuses. On a loop, and often: it must not block.
    /// Default nothing.
    public var onAcceptRefused: @Sendable (AcceptRefusal) -> Void = { _ in }
    /// What is accepted before the 101.
    public var http = HTTPLimits()
    /// Mode, level and windows of permessage-deflate. Default off (RFC 7692 §8: it can leak secrets).
    public var compression = DeflateConfiguration(mode: .off)
    /// Memory of the node for compression windows in ``CompressionMode/dedicated``, in bytes. Default 256 MiB.
    public var compressionBudget = 256 * 1024 * 1024
    /// Memory of the node for messages that are not complete yet, in bytes. Default 512 MiB.
    public var assemblyBudget = 256 * 1024 * 1024
    /// Memory of the node for what waits to be written to slow readers, in bytes; above it the largest queues are shed
    /// first. Default 256 MiB.
    public var outputBudget = OutputBudget(bytes: 256 << 20)
    /// Memory of the node for the bodies of requests to ``httpService``, in bytes; a request that does not fit is
    /// answered with 503 and `Retry-After` before its body is read. One owner takes at most half. Default 64 MiB.
    public var bodyBudget = 64 * 1024 * 1024
    /// Called for each request that ``bodyBudget`` refused, with its owner. On a loop; it must not block. Default
    /// nothing.
    public var onBodyRefused: @Sendable (_ owner: String, _ shortage: BodyShortage) -> Void = { _, _ in }
    /// Is told of each reader that was cut off because it was too slow. Called on the connection's loop; it must not
    /// block. Default nothing.
    public var onSlowReader: @Sendable (SlowReader) -> Void = { _ in }
    /// Is told of each request that the front door answers with a status from 400 on, and of each connection that the
    /// server closes for a reason; an ``HTTPService`` reports its own answers. Called on the connection's loop, as often
    /// as a peer likes; it must not block. Default nothing.
    public var onRefusal: @Sendable (Refusal) -> Void = { _ in }
    /// Who takes plain connections over after their opening handshake; `nil` to keep them on SwiftNIO's loops. A server
    /// starts and stops its carrier: give each server one of its own.
    public var carrier: (any ConnectionCarrier)?
    /// The route for an opening request, or `nil` when its path has no WebSocket. Called on the connection's loop.
    public var route: @Sendable (OpeningRequest) -> WebSocketRoute?
    /// The answer to any other request. Called on the connection's loop; it must not block. Default 404.
    public var respond: @Sendable (HTTPRequest) -> HTTPAnswer = { _ in .text(404, "Nothing is here.") }

    /// Answers the requests that take time or have a body; `nil` for none. Those that it does not claim go to
    /// ``respond``.
    public var httpService: (any HTTPService)?

    /// A configuration that serves `route` on the defaults.
    public init(route: @escaping @Sendable (OpeningRequest) -> WebSocketRoute?) { self.route = route }
}
