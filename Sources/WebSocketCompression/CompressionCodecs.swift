public import WebSocketCore

/// The two halves of a connection's negotiated compression.
///
/// They hold what was reserved of the ``CompressionBudget``; it is given back when both are freed.
public struct CompressionCodecs {
    /// What was agreed on.
    public let parameters: DeflateParameters
    /// For the messages to send. Without context takeover it is shared with other connections of the loop.
    public let compressor: any MessageCompressor
    /// For the messages received; of this connection alone.
    public let decompressor: any MessageDecompressor

    /// The codecs as a carrier takes them; of a server's side.
    public var messageCodecs: MessageCodecs {
        MessageCodecs(
            compressor: compressor, decompressor: decompressor,
            compressesAlike: !parameters.contextTakeover(sentBy: .server))
    }
}

@available(*, unavailable)
extension CompressionCodecs: Sendable {}
