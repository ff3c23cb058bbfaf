/// The head of the HTTP request that opens a connection (RFC 6455 §4.1, §4.2.1).
public struct OpeningRequest: Sendable {
    /// The method, as it stands in the request line; methods have case.
    public var method: String
    /// The request target, as it stands in the request line.
    public var target: String
    /// The HTTP version of the request line.
    public var httpVersion: (major: Int, minor: Int)
    /// The fields, in order.
    public var fields: HeaderFields

    /// Makes a request head; nothing is checked here, that is what ``ServerHandshake`` does.
    public init(
        method: String = "GET",
        target: String,
        httpVersion: (major: Int, minor: Int) = (1, 1),
        fields: HeaderFields
    ) {
        self.method = method
        self.target = target
        self.httpVersion = httpVersion
        self.fields = fields
    }

    /// Whether there is exactly one `Host`, a host with an optional port (RFC 9112 §3.2).
    public var hasValidHost: Bool {
        let hosts = fields.values(of: "Host")
        guard hosts.count == 1, let host = hosts.first else { return false }
        return Authority(host[...]) != nil
    }
}

extension OpeningRequest: CustomStringConvertible, CustomReflectable {
    /// Method and path: queries, cookies and credentials are no matter of a log's.
    public var description: String { "\(method) \(target.prefix { $0 != "?" })" }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:] as KeyValuePairs<String, Any>) }
}
