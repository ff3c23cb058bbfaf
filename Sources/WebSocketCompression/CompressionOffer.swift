public import WebSocketCore

/// What a client offers, together with the memory that the most expensive answer would take.
///
/// Keep it until the response is there and hand it to ``CompressionContext/confirm(_:for:)``; dropping it gives the
/// memory back.
public struct CompressionOffer {
    /// The element for the request's `Sec-WebSocket-Extensions`.
    public let element: ExtensionElement

    let reservation: CompressionReservation
}

@available(*, unavailable)
extension CompressionOffer: Sendable {}
