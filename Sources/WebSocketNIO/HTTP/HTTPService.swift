public import NIOCore

/// Answers requests that take time or have a body: an API behind the front door.
///
/// The front door stays in front of it: it lets one request through at a time, within its limits and deadlines, and
/// ends the connection where that is due. A connection that becomes a WebSocket never meets it.
public protocol HTTPService: Sendable {
    /// Whether requests for this path, as it came and without the query, are answered here. On the connection's loop;
    /// it must not block.
    func claims(_ path: Substring) -> Bool

    /// Puts handlers at the end of the pipeline that get the requests as `HTTPServerRequestPart`s and write the answers
    /// as `HTTPServerResponsePart`s; once for a connection, on its loop, before the first request that is claimed.
    ///
    /// When a request is refused halfway the handlers get an ``HTTPServiceError`` and nothing more. What they close is
    /// closed when the client has got its answer.
    func attach(to channel: any Channel) throws
}
