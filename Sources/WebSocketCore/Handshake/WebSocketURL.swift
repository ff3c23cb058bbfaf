/// A `ws` or `wss` URL (RFC 6455 §3), taken apart for a client.
public struct WebSocketURL: Hashable, Sendable, CustomStringConvertible {
    /// The two schemes, with their default ports (RFC 6455 §3).
    public enum Scheme: String, Hashable, Sendable {
        /// Without encryption; port 80.
        case ws
        /// Over TLS; port 443.
        case wss

        /// The port where the URL names none.
        public var defaultPort: Int { self == .wss ? 443 : 80 }
    }

    /// The scheme: whether TLS is used.
    public let scheme: Scheme
    /// The host in lower case: a name, an IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// The port, 1–65535, the scheme's default where the URL names none.
    public let port: Int
    /// The request target: the path, `/` where it is empty, with the query. It is ASCII without spaces.
    public let target: String

    private let isIPv6: Bool

    /// Reads a URL of the form `ws://host[:port][path][?query]` or `wss://…`.
    ///
    /// The scheme may be in any case; a host beyond ASCII has to be in its `xn--` form. Nothing is decoded, encoded or
    /// normalised in path and query. Throws an ``InvalidWebSocketURL`` that says what to write instead.
    public init(_ text: String) throws(InvalidWebSocketURL) {
        guard let (name, rest) = Origin.split(text), let scheme = Scheme(rawValue: name) else { throw .scheme }
        let bytes = rest.utf8
        guard !bytes.contains(UInt8(ascii: "#")) else { throw .fragment }
        let end = bytes.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.endIndex
        guard !bytes[..<end].contains(UInt8(ascii: "@")) else { throw .userInformation }
        guard let authority = Authority(rest[..<end]), authority.isPlain else { throw .host }
        let target = rest[end...]
        guard target.utf8.allSatisfy(Self.mayStandInTarget), FieldSyntax.hasValidEscapes(target.utf8) else {
            throw .character
        }
        self.scheme = scheme
        host = FieldSyntax.lowercased(authority.host)
        isIPv6 = authority.isIPv6
        port = authority.port ?? scheme.defaultPort
        self.target = target.utf8.first == UInt8(ascii: "/") ? String(target) : "/" + target
    }

    /// The value for `Host`: the port only where it is not the default one (RFC 6455 §4.1).
    public var hostHeader: String {
        let name = isIPv6 ? "[\(host)]" : host
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    /// The URL in its normal form.
    public var description: String { "\(scheme.rawValue)://\(hostHeader)\(target)" }

    /// Printable ASCII without the delimiters that RFC 3986 keeps out of URLs; brackets are common in queries.
    private static func mayStandInTarget(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"), UInt8(ascii: "^"),
            UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
            return false
        default: return FieldSyntax.isVisible(byte)
        }
    }
}
