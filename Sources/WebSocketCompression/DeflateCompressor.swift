public import WebSocketCore

/// Deflates whole messages (RFC 7692 §7.2.1): of one connection with context takeover, of a loop's connections without.
///
/// Its stream is made with the first message. If zlib gives none (no memory, or the window of 8 bits that it does not
/// have) every message is sent as it is. Called on its loop's thread only, but may be freed on any.
public final class DeflateCompressor: MessageCompressor {
    /// A payload of fewer bytes than this is better sent as it is, see ``MessageCodecs/minimumPayload``.
    public static let minimumPayload = MessageCodecs.minimumPayload
    /// Larger payloads than this, 1 MiB, are sent uncompressed: compressing one would block the loop for tens of
    /// milliseconds. Peers accept uncompressed messages at any time (RFC 7692 §6), and their windows stay as they are.
    public static let maximumPayload = 1 << 20

    private let windowBits: Int
    private let contextTakeover: Bool
    private let level: Int
    private let memoryLevel: Int
    private let scratch: ScratchBuffer
    private let reservation: CompressionReservation?
    private var stream: DeflateStream?

    /// `windowBits` is what was negotiated for this side, 8...15.
    init(
        windowBits: Int, contextTakeover: Bool, configuration: DeflateConfiguration, scratch: ScratchBuffer,
        reservation: CompressionReservation? = nil
    ) {
        self.windowBits = windowBits
        self.contextTakeover = contextTakeover
        self.level = configuration.level
        self.memoryLevel = configuration.memoryLevel
        self.scratch = scratch
        self.reservation = reservation
    }

    /// Compresses one whole message and appends it to the output.
    ///
    /// - Returns: `false`, with nothing appended, when zlib fails or the payload is larger than ``maximumPayload``: then the
    ///   caller sends the message uncompressed.
    public func compress(_ payload: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Bool {
        guard payload.count <= Self.maximumPayload else { return false }
        // RFC 7692 §7.2.3.6. The streams of zlib would refuse to flush twice without input.
        guard !payload.isEmpty else {
            output.append(0)
            return true
        }
        guard
            let stream = stream ?? DeflateStream(windowBits: windowBits, level: level, memoryLevel: memoryLevel)
        else { return false }
        let isCompressed = stream.encode(payload, scratch: scratch, into: &output)
        if isCompressed && !contextTakeover { stream.reset() }
        // After a failure the window is not what the peer has; a new stream refers to nothing that was sent before.
        self.stream = isCompressed ? stream : nil
        return isCompressed
    }
}

@available(*, unavailable)
extension DeflateCompressor: Sendable {}
