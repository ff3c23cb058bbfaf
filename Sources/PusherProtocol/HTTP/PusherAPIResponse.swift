/// What the HTTP API answers. Whoever sends it adds `Content-Length`.
public struct PusherAPIResponse: Sendable {
    /// The status; every success is exactly 200, which is what the PHP library looks for.
    public var status: Int
    /// The fields, names in small letters; names and values are ASCII without line ends.
    public var fields: [(String, String)]
    /// JSON, UTF-8; an object in every case.
    public var body: [UInt8]
    /// What is wrong, for the operator's log; `nil` in a success.
    public var refusal: String?
    /// What the body takes of the node's memory; to be kept until the body has left.
    public var lease: AnswerLease?

    /// Composes an answer.
    public init(status: Int, fields: [(String, String)], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

extension PusherAPIResponse {
    /// An answer of JSON that nobody keeps.
    init(status: Int = 200, json: JSONWriter) { self.init(status: status, json: json.bytes) }

    /// An answer of JSON that nobody keeps.
    init(status: Int = 200, json: [UInt8]) { self.init(status: status, fields: Self.jsonFields, body: json) }

    /// `{}`: done, and nothing to tell.
    static let done = PusherAPIResponse(json: Array("{}".utf8))

    private static let jsonFields = [("content-type", "application/json"), ("cache-control", "no-store")]
}
