/// Why an opening handshake can not be made, read or believed (RFC 6455 §4.1, §9.1).
///
/// The client side throws it; a server answers a faulty request with a ``HandshakeRejection`` instead. It carries no
/// text of the peer's but the status number.
public struct HandshakeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable {
        case malformedExtensions, tooManyExtensions
        case nonceLength, invalidSubprotocol, invalidExtensionOffer, invalidOrigin
        case invalidField(String), reservedField(String)
        case unexpectedStatus(Int)
        case upgradeMissing, connectionMissing, acceptMismatch
        case subprotocolNotOffered, subprotocolRepeated, extensionNotOffered, extensionRepeated
    }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// `Sec-WebSocket-Extensions` breaks the grammar of RFC 6455 §9.1.
    public static let malformedExtensions = HandshakeFailure(.malformedExtensions)
    /// `Sec-WebSocket-Extensions` has more elements or parameters than ``ExtensionElement`` takes.
    public static let tooManyExtensions = HandshakeFailure(.tooManyExtensions)
    /// The nonce for the key does not have 16 bytes (RFC 6455 §4.1).
    public static let nonceLength = HandshakeFailure(.nonceLength)
    /// A subprotocol to be offered is no token, or is offered twice (RFC 6455 §4.1).
    public static let invalidSubprotocol = HandshakeFailure(.invalidSubprotocol)
    /// An extension to be offered has a name, a parameter or a value that is no token (RFC 6455 §9.1).
    public static let invalidExtensionOffer = HandshakeFailure(.invalidExtensionOffer)
    /// The origin to be sent is empty or is not printable ASCII (RFC 6454 §7).
    public static let invalidOrigin = HandshakeFailure(.invalidOrigin)
    /// A field to be sent has a name that is no token, or a value with control characters (RFC 9110 §5.1, §5.5).
    public static func invalidField(_ name: String) -> HandshakeFailure { HandshakeFailure(.invalidField(name)) }
    /// A field to be sent is one that the handshake sets itself.
    public static func reservedField(_ name: String) -> HandshakeFailure { HandshakeFailure(.reservedField(name)) }
    /// The server answered with another status than 101.
    public static func unexpectedStatus(_ status: Int) -> HandshakeFailure {
        HandshakeFailure(.unexpectedStatus(status))
    }
    /// The answer's `Upgrade` is not `websocket`.
    public static let upgradeMissing = HandshakeFailure(.upgradeMissing)
    /// The answer's `Connection` has no `Upgrade` in it.
    public static let connectionMissing = HandshakeFailure(.connectionMissing)
    /// The answer's `Sec-WebSocket-Accept` is not the one that belongs to the key.
    public static let acceptMismatch = HandshakeFailure(.acceptMismatch)
    /// The server chose a subprotocol that was not offered.
    public static let subprotocolNotOffered = HandshakeFailure(.subprotocolNotOffered)
    /// The answer has more than one `Sec-WebSocket-Protocol`.
    public static let subprotocolRepeated = HandshakeFailure(.subprotocolRepeated)
    /// The server accepted an extension that was not offered.
    public static let extensionNotOffered = HandshakeFailure(.extensionNotOffered)
    /// The server accepted the same extension more than once.
    public static let extensionRepeated = HandshakeFailure(.extensionRepeated)

    /// The status that the server answered with, when that is what failed.
    public var status: Int? {
        if case .unexpectedStatus(let status) = kind { return status }
        return nil
    }

    /// The failure in words.
    public var description: String {
        switch kind {
        case .malformedExtensions: return "Sec-WebSocket-Extensions is malformed"
        case .tooManyExtensions: return "Sec-WebSocket-Extensions has too many extensions or parameters"
        case .nonceLength: return "the nonce of the handshake must have 16 bytes"
        case .invalidSubprotocol: return "a subprotocol must be a token without spaces and be offered only once"
        case .invalidExtensionOffer: return "the parts of an extension offer must be tokens without spaces"
        case .invalidOrigin: return "the origin must be printable ASCII, for example https://example.com"
        case .invalidField(let name):
            return "the field \(FieldSyntax.printable(name)) has a character that HTTP does not allow"
        case .reservedField(let name): return "the field \(name) is set by the handshake itself; leave it out"
        case .unexpectedStatus(let status): return "the server answered \(status) instead of 101"
        case .upgradeMissing: return "the server's answer lacks 'Upgrade: websocket'"
        case .connectionMissing: return "the server's answer lacks 'Connection: Upgrade'"
        case .acceptMismatch: return "the server's Sec-WebSocket-Accept does not belong to the key that was sent"
        case .subprotocolNotOffered: return "the server chose a subprotocol that was not offered"
        case .subprotocolRepeated: return "the server named more than one subprotocol"
        case .extensionNotOffered: return "the server chose an extension that was not offered"
        case .extensionRepeated: return "the server chose the same extension more than once"
        }
    }
}
