public import WebSocketCore

/// Deflates whole messages (RFC 7692 §7.2.1): of one connection with context takeover, of a loop's connections without.
///
/// Its stream is made with the first message. If zlib gives none (no memory, or the window of 8 bits that it does not
/// have) every message is sent as it is. Called on its loop's thread only, but may be freed on any.
public final class DeflateCompressor: MessageCompressor {
    /// A payload of fewer bytes than this is better sent as it is, see ``MessageCodecs/minimumPayload``.
    public static let minimumPayload = MessageCodecs.minimumPayload
    /// A payload of more bytes than this, 1 MiB, is sent as it is: it would take some ten milliseconds. A peer has to take
    /// that (RFC 7692 §6), and its window is not concerned.
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

    /// Compresses one whole message and appends it; `false`, and nothing is appended, when it can not, or would hold up the
    /// loop's other connections for too long, see ``maximumPayload``.
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
