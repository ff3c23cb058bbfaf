/// A request to the HTTP API as an HTTP library hands it over: nothing is decoded yet.
public struct PusherAPIRequest: Sendable {
    /// The method in capital letters.
    public var method: String
    /// The path as it came, without the query: the signature is over these bytes.
    public var path: String
    /// The query as it came, without the `?`; empty when there is none.
    public var query: String
    /// The value of `Idempotency-Key`; `nil` without that field.
    public var idempotencyKey: String?
    /// The value of `Content-Encoding`; `nil` without that field.
    public var contentEncoding: String?
    /// The whole body, transfer codings taken off.
    public var body: [UInt8]

    /// Composes a request.
    public init(
        method: String, path: String, query: String = "", idempotencyKey: String? = nil,
        contentEncoding: String? = nil, body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.idempotencyKey = idempotencyKey
        self.contentEncoding = contentEncoding
        self.body = body
    }
}

extension PusherAPIRequest: CustomStringConvertible, CustomReflectable {
    /// Method and path: the query has the signature in it, and the body is nobody else's.
    public var description: String { "\(method) \(path)" }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:] as KeyValuePairs<String, Any>) }
}
