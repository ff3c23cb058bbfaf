/// A web origin in the form in which browsers send it: `scheme://host[:port]`, in lower case (RFC 6454 §4, §6.2).
struct Origin: Hashable, Sendable {
    /// The scheme, in lower case.
    let scheme: String
    /// The host, in lower case, an IPv6 address with its brackets.
    var host: String
    /// The port; the scheme's own one where none is written, `nil` when the scheme has none.
    let port: Int?

    /// Reads an origin; `nil` for a text that is none, that has capitals in it, or anything behind the port.
    init?(_ text: String) {
        guard let (scheme, rest) = Self.split(text), !text.utf8.contains(where: { FieldSyntax.lowercased($0) != $0 })
        else { return nil }
        // An empty port is valid in a URL, but no origin is written with one.
        guard let authority = Authority(rest), authority.isPlain, rest.utf8.last != UInt8(ascii: ":") else {
            return nil
        }
        self.scheme = scheme
        host = authority.isIPv6 ? "[\(authority.host)]" : authority.host
        port = authority.port ?? Self.defaultPort(of: scheme)
    }

    /// The scheme and what follows `://`, or `nil` when the text does not begin like a URL (RFC 3986 §3.1).
    static func split(_ text: String) -> (scheme: String, rest: Substring)? {
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            return nil
        }
        let scheme = bytes[..<colon]
        guard let first = scheme.first, FieldSyntax.isAlphanumeric(first), !FieldSyntax.isDigit(first) else {
            return nil
        }
        let isScheme = scheme.allSatisfy { byte in
            FieldSyntax.isAlphanumeric(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: ".")
        }
        guard isScheme else { return nil }
        return (FieldSyntax.lowercased(Substring(scheme)), Substring(bytes[colon...].dropFirst(3)))
    }

    private static func defaultPort(of scheme: String) -> Int? {
        switch scheme {
        case "http", "ws": return 80
        case "https", "wss": return 443
        default: return nil
        }
    }
}
