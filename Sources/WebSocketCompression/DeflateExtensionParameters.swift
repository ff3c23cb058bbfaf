import WebSocketCore

/// The parameters of one `permessage-deflate` element as they stand in a header, checked (RFC 7692 §7.1).
struct DeflateExtensionParameters {
    /// `client_max_window_bits`, whose value may be left out in an offer.
    enum ClientWindow: Equatable {
        case absent
        case withoutValue
        case bits(Int)
    }

    private(set) var serverNoContextTakeover = false
    private(set) var clientNoContextTakeover = false
    private(set) var serverMaxWindowBits: Int?
    private(set) var clientMaxWindowBits = ClientWindow.absent

    /// Reads an element of a client's offer.
    init(offer element: ExtensionElement) throws(DeflateNegotiationError) {
        for parameter in element.parameters {
            try read(parameter, inOffer: true)
        }
    }

    /// Reads the element of a server's response.
    init(response element: ExtensionElement) throws(DeflateNegotiationError) {
        for parameter in element.parameters {
            try read(parameter, inOffer: false)
        }
    }

    private mutating func read(
        _ parameter: ExtensionElement.Parameter, inOffer: Bool
    ) throws(DeflateNegotiationError) {
        // RFC 7692 §7.1: unknown, repeated and invalid parameters make an offer unacceptable and a response fatal.
        switch parameter.name {
        case DeflateNegotiation.serverNoContextTakeover:
            guard !serverNoContextTakeover else { throw .repeatedParameter }
            guard parameter.value == nil else { throw .invalidValue }
            serverNoContextTakeover = true
        case DeflateNegotiation.clientNoContextTakeover:
            guard !clientNoContextTakeover else { throw .repeatedParameter }
            guard parameter.value == nil else { throw .invalidValue }
            clientNoContextTakeover = true
        case DeflateNegotiation.serverMaxWindowBits:
            guard serverMaxWindowBits == nil else { throw .repeatedParameter }
            serverMaxWindowBits = try Self.windowBits(parameter.value)
        case DeflateNegotiation.clientMaxWindowBits:
            guard clientMaxWindowBits == .absent else { throw .repeatedParameter }
            if inOffer && parameter.value == nil {
                clientMaxWindowBits = .withoutValue
            } else {
                clientMaxWindowBits = .bits(try Self.windowBits(parameter.value))
            }
        default:
            throw .unknownParameter
        }
    }

    /// RFC 7692 §7.1.2: a decimal number from 8 to 15 without leading zeros; a sign is no digit.
    private static func windowBits(_ value: String?) throws(DeflateNegotiationError) -> Int {
        guard let value, let bits = Int(value), (8...15).contains(bits), String(bits) == value else {
            throw .invalidValue
        }
        return bits
    }
}
