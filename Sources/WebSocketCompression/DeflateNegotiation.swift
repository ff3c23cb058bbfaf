public import WebSocketCore

/// The negotiation of `permessage-deflate` in the opening handshake, for both roles (RFC 7692 §5, §7.1).
///
/// Pure functions without memory in mind; ``CompressionContext`` adds the budget and the streams.
public enum DeflateNegotiation {
    /// The extension's name in `Sec-WebSocket-Extensions`.
    public static let extensionName = "permessage-deflate"

    static let serverNoContextTakeover = "server_no_context_takeover"
    static let clientNoContextTakeover = "client_no_context_takeover"
    static let serverMaxWindowBits = "server_max_window_bits"
    static let clientMaxWindowBits = "client_max_window_bits"

    /// The server's part: takes the first acceptable offer, in the client's order of preference.
    ///
    /// - Returns: the agreed parameters with the element for the response, or `nil` when the extension is declined:
    ///   the mode is off, or no offer is acceptable. Offers of other extensions are skipped.
    public static func accept(
        offers: [ExtensionElement], configuration: DeflateConfiguration
    ) -> (parameters: DeflateParameters, response: ExtensionElement)? {
        guard configuration.mode != .off else { return nil }
        for offer in offers where offer.name == extensionName {
            if let accepted = accept(offer: offer, configuration: configuration) { return accepted }
        }
        return nil
    }

    private static func accept(
        offer element: ExtensionElement, configuration: DeflateConfiguration
    ) -> (parameters: DeflateParameters, response: ExtensionElement)? {
        // RFC 7692 §7.1: a malformed offer is declined, not an error of the handshake.
        guard let offer = try? DeflateExtensionParameters(offer: element) else { return nil }
        // zlib has no raw deflate with a window of 8 bits, so that this configuration is not supported (§7.1).
        guard offer.serverMaxWindowBits != 8 else { return nil }

        let isShared = configuration.mode == .shared
        var parameters = DeflateParameters()
        // §7.1.1.1: a demand in the offer; the server may also bind itself unasked.
        parameters.serverNoContextTakeover = isShared || offer.serverNoContextTakeover
        // §7.1.1.2: a hint in the offer. Taking it saves the window of the decompressor.
        parameters.clientNoContextTakeover = isShared || offer.clientNoContextTakeover
        // §7.1.2.1: the same or a smaller window; without an offer the server may limit itself all the same.
        parameters.serverMaxWindowBits = min(offer.serverMaxWindowBits ?? 15, configuration.serverMaxWindowBits)
        // §7.1.2.2: only a client that offers the parameter can be limited, to its own value or less.
        switch offer.clientMaxWindowBits {
        case .absent: break
        case .withoutValue: parameters.clientMaxWindowBits = configuration.clientMaxWindowBits
        case .bits(let bits): parameters.clientMaxWindowBits = min(bits, configuration.clientMaxWindowBits)
        }

        var response = ExtensionElement(name: extensionName, parameters: [])
        if parameters.serverNoContextTakeover { response.append(serverNoContextTakeover) }
        if parameters.clientNoContextTakeover { response.append(clientNoContextTakeover) }
        if offer.serverMaxWindowBits != nil || parameters.serverMaxWindowBits < 15 {
            response.append(serverMaxWindowBits, parameters.serverMaxWindowBits)
        }
        if parameters.clientMaxWindowBits < 15 {
            response.append(clientMaxWindowBits, parameters.clientMaxWindowBits)
        }
        return (parameters, response)
    }

    /// The client's part, first half: the one offer that it sends, or `nil` when the mode is off.
    ///
    /// The offer always names `client_max_window_bits`, so that the server may limit the client's window (§7.1.2.2);
    /// with a value only if the configuration asks for less than 15.
    public static func offer(_ configuration: DeflateConfiguration) -> ExtensionElement? {
        guard configuration.mode != .off else { return nil }
        var offer = ExtensionElement(name: extensionName, parameters: [])
        if configuration.mode == .shared {
            offer.append(serverNoContextTakeover)
            offer.append(clientNoContextTakeover)
        }
        if configuration.serverMaxWindowBits < 15 {
            offer.append(serverMaxWindowBits, configuration.serverMaxWindowBits)
        }
        if configuration.clientMaxWindowBits < 15 {
            offer.append(clientMaxWindowBits, configuration.clientMaxWindowBits)
        } else {
            offer.append(clientMaxWindowBits)
        }
        return offer
    }

    /// The client's part, second half: checks the server's answer.
    ///
    /// - Parameters:
    ///   - response: the elements of `Sec-WebSocket-Extensions` in the server's response.
    ///   - offered: what ``offer(_:)`` gave, or `nil` if nothing was offered.
    /// - Returns: the agreed parameters, or `nil` when the server declined the extension.
    /// - Throws: ``DeflateNegotiationError``; the client must fail the connection (RFC 7692 §7.1).
    public static func confirm(
        response: [ExtensionElement], offered: ExtensionElement?
    ) throws(DeflateNegotiationError) -> DeflateParameters? {
        guard let element = response.first else { return nil }
        guard let offered, response.allSatisfy({ $0.name == extensionName }) else { throw .extensionNotOffered }
        guard response.count == 1 else { throw .repeatedExtension }

        let offer = try DeflateExtensionParameters(offer: offered)
        let answer = try DeflateExtensionParameters(response: element)

        // §7.1.1.1: the server accepts this demand by repeating it.
        if offer.serverNoContextTakeover && !answer.serverNoContextTakeover { throw .parameterMissing }
        // §7.1.2.1: so too with this one, and it may only become smaller.
        if let limit = offer.serverMaxWindowBits {
            guard let bits = answer.serverMaxWindowBits else { throw .parameterMissing }
            guard bits <= limit else { throw .windowLargerThanOffered }
        }

        var parameters = DeflateParameters()
        parameters.serverNoContextTakeover = answer.serverNoContextTakeover
        // §7.1.1.2: the client said that it would not use it, whether or not the server cares.
        parameters.clientNoContextTakeover = answer.clientNoContextTakeover || offer.clientNoContextTakeover
        parameters.serverMaxWindowBits = answer.serverMaxWindowBits ?? 15

        // §7.1.2.2. A limit of 8 is a valid answer, and having offered the parameter we have promised to keep to it.
        // zlib can not compress with such a window; a client that sends every message as it is keeps the limit too
        // (§6 leaves that choice to the sender), so the connection lives: see ``DeflateCompressor``.
        switch (offer.clientMaxWindowBits, answer.clientMaxWindowBits) {
        case (.absent, .bits):
            throw .parameterNotOffered
        case (.bits(let limit), .bits(let bits)) where bits > limit:
            throw .windowLargerThanOffered
        case (_, .bits(let bits)), (.bits(let bits), _):
            parameters.clientMaxWindowBits = bits
        default:
            break
        }
        return parameters
    }
}

extension ExtensionElement {
    fileprivate mutating func append(_ name: String, _ value: Int? = nil) {
        parameters.append(Parameter(name: name, value: value.map(String.init)))
    }
}
