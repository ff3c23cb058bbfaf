/// Why a client refuses the server's answer to its offer; it must then fail the connection (RFC 7692 §7.1).
public struct DeflateNegotiationError: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable {
        case extensionNotOffered, repeatedExtension
        case unknownParameter, repeatedParameter, invalidValue
        case parameterMissing, parameterNotOffered, windowLargerThanOffered
    }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// An extension that the client did not offer (RFC 6455 §9.1).
    public static let extensionNotOffered = DeflateNegotiationError(.extensionNotOffered)
    /// `permessage-deflate` more than once: two extensions that both use RSV1 (RFC 7692 §5).
    public static let repeatedExtension = DeflateNegotiationError(.repeatedExtension)
    /// A parameter that RFC 7692 §7.1 does not define.
    public static let unknownParameter = DeflateNegotiationError(.unknownParameter)
    /// The same parameter twice (RFC 7692 §7.1).
    public static let repeatedParameter = DeflateNegotiationError(.repeatedParameter)
    /// A value that the parameter can not have, or none where one is needed (RFC 7692 §7.1).
    public static let invalidValue = DeflateNegotiationError(.invalidValue)
    /// The offer demanded a parameter that the answer does not confirm (RFC 7692 §7.1.1.1, §7.1.2.1).
    public static let parameterMissing = DeflateNegotiationError(.parameterMissing)
    /// `client_max_window_bits` although the client did not offer it (RFC 7692 §7.1.2.2).
    public static let parameterNotOffered = DeflateNegotiationError(.parameterNotOffered)
    /// A window larger than the one in the offer (RFC 7692 §7.1.2.1, §7.1.2.2).
    public static let windowLargerThanOffered = DeflateNegotiationError(.windowLargerThanOffered)

    /// The error in words, with the cure.
    public var description: String {
        switch kind {
        case .extensionNotOffered: return Self.text("an extension that was not offered")
        case .repeatedExtension: return Self.text("permessage-deflate twice")
        case .unknownParameter: return Self.text("an unknown parameter of permessage-deflate")
        case .repeatedParameter: return Self.text("a parameter of permessage-deflate twice")
        case .invalidValue: return Self.text("an invalid value for a parameter of permessage-deflate")
        case .parameterMissing: return Self.text("permessage-deflate without a parameter that the offer demands")
        case .parameterNotOffered: return Self.text("client_max_window_bits, which was not offered")
        case .windowLargerThanOffered: return Self.text("a larger window than was offered")
        }
    }

    private static func text(_ what: String) -> String {
        "the server answered with \(what); connect with compression off, or repair the server"
    }
}
