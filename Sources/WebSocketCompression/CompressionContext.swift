public import WebSocketCore

/// The compression of one event loop: negotiates for its connections and gives them their codecs.
///
/// A direction without context takeover uses streams that the loop's connections share and costs no budget; one with
/// context takeover gets a stream of its own, counted in the node's ``CompressionBudget`` before the extension is
/// accepted. One object a loop, called on that loop's thread only.
public final class CompressionContext {
    /// What this context was made with.
    public let configuration: DeflateConfiguration

    private let budget: CompressionBudget
    private let scratch: ScratchBuffer
    private let pool: InflaterPool
    /// By window bits; at most the eight windows 8...15.
    private var sharedCompressors: [Int: DeflateCompressor] = [:]

    /// A context that has made no stream yet.
    ///
    /// - Parameters:
    ///   - configuration: mode, level and windows.
    ///   - budget: the node's, the same object for every loop.
    public init(_ configuration: DeflateConfiguration, budget: CompressionBudget) {
        self.configuration = configuration
        self.budget = budget
        scratch = ScratchBuffer()
        pool = InflaterPool(scratch: scratch)
    }

    /// The server's part of the handshake: the codecs and the element for the response, or `nil` to answer without the
    /// extension: it is off, no offer is acceptable (RFC 7692 §7.1), or the budget is used up.
    ///
    /// - Parameter offers: the elements of the request's `Sec-WebSocket-Extensions`, in the client's order.
    public func accept(_ offers: [ExtensionElement]) -> (response: ExtensionElement, codecs: CompressionCodecs)? {
        agree(offers).map { ($0.response, codecs(for: $0.agreement)) }
    }

    /// As ``accept(_:)``, for a connection that goes on on another loop: that loop's context makes the codecs.
    public func agree(
        _ offers: [ExtensionElement]
    ) -> (response: ExtensionElement, agreement: CompressionAgreement)? {
        guard let accepted = DeflateNegotiation.accept(offers: offers, configuration: configuration),
            let reservation = CompressionReservation(bytes(for: accepted.parameters, role: .server), of: budget)
        else { return nil }
        return (accepted.response, CompressionAgreement(parameters: accepted.parameters, reservation: reservation))
    }

    /// The codecs for what was agreed on with a client, here or on another loop of the server; once.
    public func codecs(for agreement: CompressionAgreement) -> CompressionCodecs {
        codecs(for: agreement.parameters, role: .server, reservation: agreement.reservation)
    }

    /// The client's part, first half: what to offer, or `nil` when compression is off or the budget is used up.
    public func offer() -> CompressionOffer? {
        guard let element = DeflateNegotiation.offer(configuration) else { return nil }
        let isShared = configuration.mode == .shared
        let dearest = DeflateParameters(
            serverNoContextTakeover: isShared, clientNoContextTakeover: isShared,
            serverMaxWindowBits: configuration.serverMaxWindowBits,
            clientMaxWindowBits: configuration.clientMaxWindowBits)
        guard let reservation = CompressionReservation(bytes(for: dearest, role: .client), of: budget) else {
            return nil
        }
        return CompressionOffer(element: element, reservation: reservation)
    }

    /// The client's part, second half: the codecs, or `nil` when the server declined the extension.
    ///
    /// - Parameters:
    ///   - response: the elements of the response's `Sec-WebSocket-Extensions`.
    ///   - offer: what ``offer()`` gave.
    /// - Throws: ``DeflateNegotiationError``; the client must fail the connection.
    public func confirm(
        _ response: [ExtensionElement], for offer: CompressionOffer?
    ) throws(DeflateNegotiationError) -> CompressionCodecs? {
        guard let parameters = try DeflateNegotiation.confirm(response: response, offered: offer?.element),
            let reservation = offer?.reservation
        else { return nil }
        reservation.shrink(to: bytes(for: parameters, role: .client))
        return codecs(for: parameters, role: .client, reservation: reservation)
    }

    /// The codecs for parameters that were negotiated elsewhere, or `nil` when the budget is used up.
    ///
    /// - Parameters:
    ///   - parameters: what was agreed on.
    ///   - role: this endpoint's side.
    public func codecs(for parameters: DeflateParameters, role: Role) -> CompressionCodecs? {
        guard let reservation = CompressionReservation(bytes(for: parameters, role: role), of: budget) else {
            return nil
        }
        return codecs(for: parameters, role: role, reservation: reservation)
    }

    private func codecs(
        for parameters: DeflateParameters, role: Role, reservation: CompressionReservation
    ) -> CompressionCodecs {
        let peer: Role = role == .server ? .client : .server
        let compressor =
            parameters.contextTakeover(sentBy: role)
            ? DeflateCompressor(
                windowBits: parameters.windowBits(sentBy: role), contextTakeover: true,
                configuration: configuration, scratch: scratch, reservation: reservation)
            : sharedCompressor(windowBits: parameters.windowBits(sentBy: role))
        let decompressor = InflateDecompressor(
            windowBits: parameters.windowBits(sentBy: peer), contextTakeover: parameters.contextTakeover(sentBy: peer),
            pool: pool, reservation: reservation)
        return CompressionCodecs(parameters: parameters, compressor: compressor, decompressor: decompressor)
    }

    private func sharedCompressor(windowBits: Int) -> DeflateCompressor {
        if let compressor = sharedCompressors[windowBits] { return compressor }
        let compressor = DeflateCompressor(
            windowBits: windowBits, contextTakeover: false, configuration: configuration, scratch: scratch)
        sharedCompressors[windowBits] = compressor
        return compressor
    }

    /// What the streams of a connection's own take.
    private func bytes(for parameters: DeflateParameters, role: Role) -> Int {
        let peer: Role = role == .server ? .client : .server
        var bytes = 0
        if parameters.contextTakeover(sentBy: role) {
            bytes += CompressionBudget.deflateBytes(
                windowBits: parameters.windowBits(sentBy: role), memoryLevel: configuration.memoryLevel)
        }
        if parameters.contextTakeover(sentBy: peer) {
            bytes += CompressionBudget.inflateBytes(windowBits: parameters.windowBits(sentBy: peer))
        }
        return bytes
    }
}

@available(*, unavailable)
extension CompressionContext: Sendable {}
