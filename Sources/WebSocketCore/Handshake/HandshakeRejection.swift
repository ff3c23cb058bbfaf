/// The answer to an opening request that can not be accepted: an HTTP status, a sentence and fields (RFC 6455 §4.2).
///
/// It repeats nothing that the client sent. The carrier adds `Connection: close`, `Content-Length` and what else it
/// puts into every answer.
public struct HandshakeRejection: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable {
        case httpVersion, method, target, host, body, webSocketVersion, key, subprotocols, extensions, origin
    }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// 400: an HTTP version other than 1.1 (RFC 6455 §4.2.1).
    public static let httpVersion = HandshakeRejection(.httpVersion)
    /// 405: a method other than GET (RFC 6455 §4.2.1).
    public static let method = HandshakeRejection(.method)
    /// 400: a request target with characters that no URL has (RFC 9112 §3.2).
    public static let target = HandshakeRejection(.target)
    /// 400: no `Host`, several, or one that is no host with an optional port (RFC 9112 §3.2).
    public static let host = HandshakeRejection(.host)
    /// 400: a body is announced.
    public static let body = HandshakeRejection(.body)
    /// 426: `Sec-WebSocket-Version` is not 13 (RFC 6455 §4.4).
    public static let webSocketVersion = HandshakeRejection(.webSocketVersion)
    /// 400: not exactly one `Sec-WebSocket-Key` of 16 bytes in base64 (RFC 6455 §4.2.1).
    public static let key = HandshakeRejection(.key)
    /// 400: `Sec-WebSocket-Protocol` is no list of distinct tokens (RFC 6455 §4.1).
    public static let subprotocols = HandshakeRejection(.subprotocols)
    /// 400: `Sec-WebSocket-Extensions` is malformed or has too many elements (RFC 6455 §9.1).
    public static let extensions = HandshakeRejection(.extensions)
    /// 403: the origin is not allowed (RFC 6455 §4.2.2).
    public static let origin = HandshakeRejection(.origin)

    /// The status of the answer.
    public var status: Int {
        switch kind {
        case .httpVersion, .target, .host, .body, .key, .subprotocols, .extensions: return 400
        case .origin: return 403
        case .method: return 405
        case .webSocketVersion: return 426
        }
    }

    /// What is wrong and what is expected, for the body of the answer; one line of ASCII without a line end.
    public var reason: String {
        switch kind {
        case .httpVersion: return "A WebSocket handshake needs HTTP/1.1."
        case .method: return "A WebSocket handshake needs the method GET."
        case .target: return "The request target has a character that is not allowed in a URL."
        case .host: return "The request needs exactly one valid Host field."
        case .body: return "A WebSocket handshake has no body."
        case .webSocketVersion: return "Only version 13 of the WebSocket protocol is spoken here."
        case .key: return "The request needs exactly one Sec-WebSocket-Key: 16 bytes in base64."
        case .subprotocols: return "Sec-WebSocket-Protocol must be a list of distinct tokens."
        case .extensions: return "Sec-WebSocket-Extensions is malformed or too long."
        case .origin: return "Pages of this origin may not connect."
        }
    }

    /// The fields that belong to the status: `Allow` to 405, the version and `Upgrade` to 426 (RFC 9110 §15.5.6,
    /// §15.5.22; RFC 6455 §4.4).
    public var fields: [(name: String, value: String)] {
        switch kind {
        case .method: return [("Allow", "GET")]
        case .webSocketVersion:
            return [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
        default: return []
        }
    }

    /// Always `true`: the connection ends after the answer.
    ///
    /// A proxy may believe that the protocol was switched; what follows on the connection must not be read as a request.
    public var mustClose: Bool { true }

    /// Status and reason.
    public var description: String { "\(status): \(reason)" }
}
