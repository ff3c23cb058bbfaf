public import WebSocketCore

/// An ordinary HTTP request that reached the front door: no upgrade, or one on a path without WebSocket.
public struct HTTPRequest: Sendable {
    /// Method, target, version and fields, as they came.
    public var head: OpeningRequest
    /// The path of the target, without the query.
    public var path: Substring { head.target.prefix { $0 != "?" } }
}
