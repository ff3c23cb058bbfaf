public import NIOCore
public import WebSocketCore

/// An opening request that was accepted, as handed to the one who makes the session.
public struct AcceptedRequest: Sendable {
    /// The request as it came.
    public let head: OpeningRequest
    /// The subprotocol that was agreed on, if any (RFC 6455 §1.9).
    public let subprotocol: String?
    /// The client's address: the peer's, or, with port 0, the one that a trusted proxy names.
    public let remoteAddress: SocketAddress?
    /// The address that limits count the client's connections by; `nil` if they do not count it.
    public let countedAddress: AddressBlock?
    /// The loop that the connection belongs to; the session is called on its thread only.
    public let loop: any WebSocketLoop

    /// The path of the target, without the query.
    public var path: Substring { head.target.prefix { $0 != "?" } }

    /// The query of the target, without the `?`; empty when there is none.
    public var query: Substring { head.target.drop { $0 != "?" }.dropFirst() }
}
