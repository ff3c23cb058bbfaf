/// The receiving half of a negotiated message compression: a port that ``WebSocketCompression`` implements (RFC 7692).
///
/// An instance belongs to one connection and is called on its loop's thread only.
public protocol MessageDecompressor: AnyObject {
    /// Decodes one piece of a compressed message and appends what comes out.
    ///
    /// - Parameters:
    ///   - piece: the next bytes of the message, unmasked; any split of them is fine, also an empty one.
    ///   - isFinal: whether the message ends with this piece; the next call then begins another message.
    ///   - maximumBytes: how long `output` may become; one byte more fails with ``ProtocolViolation/messageTooBig``.
    ///   - output: what the pieces of this message have decoded to so far.
    /// - Throws: ``ProtocolViolation/messageTooBig`` or ``ProtocolViolation/compressedDataInvalid``; permanent.
    func decompress(
        _ piece: UnsafeRawBufferPointer, isFinal: Bool, maximumBytes: Int, into output: inout [UInt8]
    ) throws(ProtocolViolation)
}
