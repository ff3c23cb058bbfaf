/// The server's side of the opening handshake (RFC 6455 §4.2), as a pure function of the request.
///
/// One value serves any number of connections, on any thread. The carrier bounds the size of the request head; the
/// work here is linear in that size.
public struct ServerHandshake: Sendable {
    /// What to do with a request.
    public enum Outcome: Sendable {
        /// The request does not ask for WebSocket: answer it as any other HTTP request.
        case notUpgrade
        /// The request asks for WebSocket but is not in order: send the rejection and close.
        case rejected(HandshakeRejection)
        /// The request is in order: send 101, then speak frames.
        case accepted(AcceptedHandshake)
    }

    /// The subprotocols that the server speaks. The order does not matter: the client's one decides.
    public var subprotocols: [String]
    /// Whether the first valid token that a client offers is accepted when none of ``subprotocols`` is, and an offer
    /// that is malformed does not matter (by RFC 6455 §4.1 a client may fail the connection without an answer to its
    /// offer). Default `false`: without one of ours there is no subprotocol, and a malformed offer is rejected.
    public var acceptsAnySubprotocol = false
    /// Which pages may connect.
    public var originPolicy: OriginPolicy

    /// Configures the server's side; by default without subprotocols and for every origin.
    public init(subprotocols: [String] = [], originPolicy: OriginPolicy = .any) {
        self.subprotocols = subprotocols
        self.originPolicy = originPolicy
    }

    /// Judges an opening request by the rules of RFC 6455 §4.2.1.
    ///
    /// It asks for WebSocket when `Upgrade` names `websocket` and `Connection` names `upgrade`; from there on any fault
    /// is a rejection. The first fault in this order counts: HTTP version, method, target, `Host`, body, WebSocket
    /// version, key, subprotocols, extensions, origin.
    public func respond(to request: OpeningRequest) -> Outcome {
        let fields = request.fields
        guard TokenList(fields.values(of: "Upgrade")).contains("websocket"),
            TokenList(fields.values(of: "Connection")).contains("upgrade")
        else { return .notUpgrade }
        do throws(HandshakeRejection) {
            try checkRequestLine(request)
            guard request.hasValidHost else { throw .host }
            try checkBody(fields)
            return .accepted(try checkWebSocketFields(fields))
        } catch {
            return .rejected(error)
        }
    }

    private func checkRequestLine(_ request: OpeningRequest) throws(HandshakeRejection) {
        // RFC 6455 §4.2.1 says "HTTP/1.1 or higher", but HTTP/2 opens connections in its own way (RFC 8441).
        guard request.httpVersion.major == 1, request.httpVersion.minor >= 1 else { throw .httpVersion }
        guard FieldSyntax.equal(request.method, "GET") else { throw .method }
        guard !request.target.isEmpty, request.target.utf8.allSatisfy(FieldSyntax.isVisible) else { throw .target }
    }

    private func checkBody(_ fields: HeaderFields) throws(HandshakeRejection) {
        guard fields.values(of: "Transfer-Encoding").isEmpty,
            fields.values(of: "Content-Length").allSatisfy({ FieldSyntax.equal($0, "0") })
        else { throw .body }
    }

    private func checkWebSocketFields(_ fields: HeaderFields) throws(HandshakeRejection) -> AcceptedHandshake {
        let versions = fields.values(of: "Sec-WebSocket-Version")
        guard versions.count == 1, versions.allSatisfy({ FieldSyntax.equal($0, "13") }) else {
            throw .webSocketVersion
        }
        let keys = fields.values(of: "Sec-WebSocket-Key")
        guard keys.count == 1, let key = keys.first, Base64.decodeSixteenBytes(key) != nil else { throw .key }
        let subprotocol = try subprotocol(offered: TokenList(fields.values(of: "Sec-WebSocket-Protocol")))
        let extensionOffers: [ExtensionElement]
        do {
            extensionOffers = try ExtensionElement.parse(fields.values(of: "Sec-WebSocket-Extensions"))
        } catch {
            throw .extensions
        }
        guard originPolicy.allows(fields.values(of: "Origin"), host: fields.values(of: "Host").first) else {
            throw .origin
        }
        return AcceptedHandshake(
            acceptKey: AcceptKey.accept(for: key),
            subprotocol: subprotocol,
            extensionOffers: extensionOffers
        )
    }
    private func subprotocol(offered: TokenList) throws(HandshakeRejection) -> String? {
        let tokens = offered.distinctTokens()
        if tokens == nil, !acceptsAnySubprotocol { throw .subprotocols }
        let known = tokens?.first { name in subprotocols.contains { FieldSyntax.equal($0, name) } }
        return known ?? (acceptsAnySubprotocol ? offered.firstToken() : nil)
    }
}
