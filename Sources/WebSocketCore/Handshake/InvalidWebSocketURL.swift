/// Why a text is no WebSocket URL; see ``WebSocketURL/init(_:)``.
public struct InvalidWebSocketURL: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable {
        case scheme, userInformation, host, fragment, character
    }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// The text does not begin with `ws://` or `wss://`.
    public static let scheme = InvalidWebSocketURL(.scheme)
    /// A user or password stands in front of the host (RFC 6455 §3).
    public static let userInformation = InvalidWebSocketURL(.userInformation)
    /// The host is missing or invalid, or the port is not in 1–65535.
    public static let host = InvalidWebSocketURL(.host)
    /// There is a `#` (RFC 6455 §3).
    public static let fragment = InvalidWebSocketURL(.fragment)
    /// Path or query have a character that has to be percent-encoded, or a `%` without two hexadecimal digits.
    public static let character = InvalidWebSocketURL(.character)

    /// What is wrong and how to write it instead, in one line. It does not repeat the URL, which may hold secrets.
    public var description: String {
        switch kind {
        case .scheme: return "a WebSocket URL begins with ws:// or wss://"
        case .userInformation:
            return "a WebSocket URL has no user and password; send them in an Authorization field instead"
        case .host:
            return "the URL has no valid host and port; write it like ws://example.com:8080/ or ws://[::1]:8080/, "
                + "and a host beyond ASCII in its xn-- form"
        case .fragment: return "a WebSocket URL has no fragment; leave out the '#', or write it as %23"
        case .character:
            return "path or query of the URL have a character that is not allowed there; percent-encode it"
        }
    }
}
