/// An opening request that is in order, and what belongs into the 101 that answers it (RFC 6455 §4.2.2).
public struct AcceptedHandshake: Hashable, Sendable {
    /// The value for `Sec-WebSocket-Accept`.
    public let acceptKey: String
    /// The first subprotocol of the client's list that the server supports; `nil` when there is none.
    public let subprotocol: String?
    /// The extensions that the client offers, in its order of preference.
    public let extensionOffers: [ExtensionElement]

    init(acceptKey: String, subprotocol: String?, extensionOffers: [ExtensionElement]) {
        self.acceptKey = acceptKey
        self.subprotocol = subprotocol
        self.extensionOffers = extensionOffers
    }

    /// The fields of the 101.
    ///
    /// - Parameter extensions: What the server accepts of ``extensionOffers``, in the order in which it applies.
    public func responseFields(extensions: [ExtensionElement] = []) -> [(name: String, value: String)] {
        var fields = [
            (name: "Upgrade", value: "websocket"),
            (name: "Connection", value: "Upgrade"),
            (name: "Sec-WebSocket-Accept", value: acceptKey),
        ]
        if let subprotocol { fields.append(("Sec-WebSocket-Protocol", subprotocol)) }
        if !extensions.isEmpty {
            fields.append(("Sec-WebSocket-Extensions", ExtensionElement.fieldValue(extensions)))
        }
        return fields
    }
}
