/// The client's side of the opening handshake (RFC 6455 §4.1): makes the request, then checks the answer.
public struct ClientHandshake: Sendable {
    /// The request to be sent.
    public let request: OpeningRequest

    private let acceptKey: String
    private let subprotocols: [String]
    private let extensionOffers: [ExtensionElement]

    /// The fields that a caller can not add: the handshake sets them, or has no use for them (a body).
    private static let reservedFields = [
        "Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept", "Origin", "Content-Length", "Transfer-Encoding",
    ]

    /// Makes the request.
    ///
    /// - Parameters:
    ///   - url: Where to connect; gives `Host` and the request target.
    ///   - nonce: 16 bytes, fresh and random for each connection.
    ///   - subprotocols: The subprotocols to offer, the preferred one first: distinct tokens.
    ///   - extensionOffers: The extensions to offer, the preferred one first.
    ///   - origin: The `Origin` to send, as a browser does; by default none.
    ///   - extraFields: Further fields, for example `Authorization`, sent last and in this order.
    ///
    /// Throws a ``HandshakeFailure`` when an argument can not be sent: a nonce of another length, a name that is no
    /// token, a value with a control character, a field that the handshake sets itself.
    public init(
        url: WebSocketURL,
        nonce: [UInt8],
        subprotocols: [String] = [],
        extensionOffers: [ExtensionElement] = [],
        origin: String? = nil,
        extraFields: [(name: String, value: String)] = []
    ) throws(HandshakeFailure) {
        guard nonce.count == 16 else { throw .nonceLength }
        guard Set(subprotocols).count == subprotocols.count, subprotocols.allSatisfy(FieldSyntax.isToken) else {
            throw .invalidSubprotocol
        }
        guard extensionOffers.allSatisfy(\.isWellFormed) else { throw .invalidExtensionOffer }
        let key = Base64.encode(nonce)
        var fields = HeaderFields([
            ("Host", url.hostHeader), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", "13"),
        ])
        if let origin {
            guard !origin.isEmpty, origin.utf8.allSatisfy(FieldSyntax.isVisible) else { throw .invalidOrigin }
            fields.append("Origin", origin)
        }
        if !subprotocols.isEmpty { fields.append("Sec-WebSocket-Protocol", subprotocols.joined(separator: ", ")) }
        if !extensionOffers.isEmpty {
            fields.append("Sec-WebSocket-Extensions", ExtensionElement.fieldValue(extensionOffers))
        }
        for (name, value) in extraFields {
            guard FieldSyntax.isToken(name), FieldSyntax.isFieldValue(value) else { throw .invalidField(name) }
            guard !Self.reservedFields.contains(where: { FieldSyntax.equalIgnoringCase($0.utf8, name.utf8) }) else {
                throw .reservedField(name)
            }
            fields.append(name, value)
        }
        request = OpeningRequest(target: url.target, fields: fields)
        acceptKey = AcceptKey.accept(for: key)
        self.subprotocols = subprotocols
        self.extensionOffers = extensionOffers
    }

    /// Checks the head of the server's answer by the rules of RFC 6455 §4.1.
    ///
    /// Returns the subprotocol and the extensions that the server chose; whether the parameters of an extension are
    /// what was offered is for that extension to check. Throws a ``HandshakeFailure``, upon which the connection has to
    /// be closed: for another status than 101 the answer is an ordinary HTTP one, a redirect or a demand for
    /// credentials included.
    public func validate(
        status: Int,
        fields: HeaderFields
    ) throws(HandshakeFailure) -> (subprotocol: String?, extensions: [ExtensionElement]) {
        guard status == 101 else { throw .unexpectedStatus(status) }
        let upgrades = fields.values(of: "Upgrade")
        guard upgrades.count == 1,
            upgrades.allSatisfy({ FieldSyntax.equalIgnoringCase($0.utf8, "websocket".utf8) })
        else { throw .upgradeMissing }
        guard TokenList(fields.values(of: "Connection")).contains("upgrade") else { throw .connectionMissing }
        let accepts = fields.values(of: "Sec-WebSocket-Accept")
        guard accepts.count == 1, accepts.allSatisfy({ FieldSyntax.equal($0, acceptKey) }) else {
            throw .acceptMismatch
        }
        let chosen = fields.values(of: "Sec-WebSocket-Protocol")
        guard chosen.count <= 1 else { throw .subprotocolRepeated }
        guard chosen.allSatisfy({ name in subprotocols.contains { FieldSyntax.equal($0, name) } }) else {
            throw .subprotocolNotOffered
        }
        let extensions = try ExtensionElement.parse(fields.values(of: "Sec-WebSocket-Extensions"))
        let offeredNames = Set(extensionOffers.map(\.name))
        guard extensions.allSatisfy({ offeredNames.contains($0.name) }) else { throw .extensionNotOffered }
        guard Set(extensions.map(\.name)).count == extensions.count else { throw .extensionRepeated }
        return (chosen.first, extensions)
    }
}
