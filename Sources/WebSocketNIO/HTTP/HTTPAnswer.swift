import WebSocketCore

/// The answer to an ordinary HTTP request. The front door adds `Content-Length` and `Connection`.
public struct HTTPAnswer: Sendable {
    /// The status, for example 200.
    public var status: Int
    /// Further fields; names and values without line ends.
    public var fields: [(name: String, value: String)]
    /// The body.
    public var body: [UInt8]
    /// Why it refuses, for the operator's log: from 400 on the body's first line by default; empty for what is no trouble
    /// and gets no line. With a status below 400, what the client seems to have wanted instead.
    public var reason: String?
    /// What of the request is refused, for that log, as it came; see ``Refusal/detail``.
    public var detail = ""

    /// Composes an answer.
    public init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// What a server that is about to stop answers who would stay; expected, so nothing for the log.
    static var draining: HTTPAnswer {
        var answer = text(
            503, "The server is shutting down: connect again in a moment.", fields: [("Retry-After", "1")])
        answer.reason = ""
        return answer
    }

    /// An answer of one line of plain text.
    public static func text(
        _ status: Int, _ text: String, fields: [(name: String, value: String)] = []
    ) -> HTTPAnswer {
        HTTPAnswer(
            status: status,
            fields: [("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")] + fields,
            body: Array((text + "\n").utf8))
    }
}
