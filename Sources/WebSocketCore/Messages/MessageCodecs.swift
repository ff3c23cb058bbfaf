/// What a connection compresses and decompresses with, after permessage-deflate was negotiated (RFC 7692).
///
/// Belongs to one loop's thread.
public struct MessageCodecs {
    /// For the messages to send.
    public let compressor: any MessageCompressor
    /// For the messages received; of this connection alone.
    public let decompressor: any MessageDecompressor
    /// Whether the compressor keeps no window between messages, so that what it makes of a message is right for all
    /// connections that have the same one.
    public let compressesAlike: Bool

    /// A payload of fewer bytes than this is better sent as it is: what could be saved is not worth the work. Choosing is
    /// the sender's part (RFC 7692 §6).
    public static let minimumPayload = 64

    /// Composes the two halves.
    public init(
        compressor: any MessageCompressor, decompressor: any MessageDecompressor, compressesAlike: Bool
    ) {
        self.compressor = compressor
        self.decompressor = decompressor
        self.compressesAlike = compressesAlike
    }
}

@available(*, unavailable)
extension MessageCodecs: Sendable {}
