/// The sending half of a negotiated message compression: a port that ``WebSocketCompression`` implements (RFC 7692).
///
/// An instance is called on one loop's thread only; in the mode without context takeover several connections share one.
public protocol MessageCompressor: AnyObject {
    /// Compresses one whole message and appends it, ready to be the payload of a frame with RSV1.
    ///
    /// - Returns: `false` when nothing was appended because the compressor is unavailable (out of memory): the message
    ///   is then sent as it is, which is always allowed (RFC 7692 §6).
    func compress(_ payload: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Bool
}
