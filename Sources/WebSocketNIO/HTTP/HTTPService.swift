public import NIOCore

/// Answers requests that take time or have a body: an API behind the front door.
///
/// The front door stays in front of it: it lets one request through at a time, within its limits and deadlines, and
/// ends the connection where that is due.
public protocol HTTPService: Sendable {
    /// Whether requests for this path, as it came and without the query, are answered here. On the connection's loop;
    /// it must not block.
    func claims(_ path: Substring) -> Bool

    /// The methods of a path that is claimed, for `Allow` (RFC 9110 §10.2.1), without `OPTIONS`. On the connection's
    /// loop; it must not block.
    func methods(of path: Substring) -> [String]

    /// Decides on a request with a body from its head alone, before the front door takes memory for the body. On the
    /// connection's loop; it must not block. Requests without a body do not come here.
    ///
    /// - Parameter bodyBytes: what `Content-Length` says; `nil` for a chunked body.
    func admit(_ request: HTTPRequest, bodyBytes: Int?) -> HTTPAdmission

    /// Puts handlers at the end of the pipeline that get the requests as `HTTPServerRequestPart`s and write the answers
    /// as `HTTPServerResponsePart`s; once for a connection, on its loop, before the first request that is claimed. A
    /// body arrives in one part, when it is whole.
    ///
    /// When a request is refused halfway the handlers get an ``HTTPServiceError`` and nothing more. What they close is
    /// closed when the client has got its answer. When the connection becomes a WebSocket, they see it end.
    func attach(to channel: any Channel) throws
}

/// What an ``HTTPService`` decides on a request before its body is read.
public enum HTTPAdmission: Sendable {
    /// The body may come. Its memory is charged to the owner, an app for example, who has a share of
    /// ``WebSocketServerConfiguration/bodyBudget``.
    case admitted(owner: String)
    /// The request gets this answer at once, and the connection ends: its body is not read.
    case refused(HTTPAnswer)
}

extension WebSocketServer {
    /// The client whose request a channel serves, for a log: the address that a trusted proxy has named, or the socket
    /// peer's. Any thread.
    public static func clientAddress(of channel: any Channel) async -> String {
        let named = try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: FrontDoorHandler.self).peer
        }.get()
        return named ?? channel.remoteAddress?.ipAddress ?? ""
    }
}
