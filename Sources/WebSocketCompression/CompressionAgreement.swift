/// What a server has agreed on with a client, before the codecs are made: it can go to another loop.
///
/// It holds what was reserved of the ``CompressionBudget``; that is given back when it and the codecs are gone.
public struct CompressionAgreement: Sendable {
    /// What was agreed on.
    public let parameters: DeflateParameters
    let reservation: CompressionReservation
}
