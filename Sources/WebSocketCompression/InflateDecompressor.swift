public import WebSocketCore

/// Inflates the messages of one connection (RFC 7692 §7.2.2).
///
/// With context takeover it owns a stream, made with the first compressed message; without, it borrows one from its
/// loop for the time of a message. Uncompressed messages in between don't concern it. After an error it throws the same
/// error for ever. Called on its loop's thread only, but may be freed on any.
public final class InflateDecompressor: MessageDecompressor {
    private let windowBits: Int
    private let contextTakeover: Bool
    private let pool: InflaterPool
    private let reservation: CompressionReservation?
    private(set) var stream: InflateStream?
    private var failure: ProtocolViolation?

    /// `windowBits` is what was negotiated for the peer, 8...15.
    init(windowBits: Int, contextTakeover: Bool, pool: InflaterPool, reservation: CompressionReservation? = nil) {
        self.windowBits = windowBits
        self.contextTakeover = contextTakeover
        self.pool = pool
        self.reservation = reservation
    }

    /// Decodes one piece of a compressed message; output stops at `maximumBytes`, whatever the data promises.
    ///
    /// Blocks with BFINAL are accepted anywhere (RFC 7692 §7.2.3.4), a message of no bytes is an empty one.
    public func decompress(
        _ piece: UnsafeRawBufferPointer, isFinal: Bool, maximumBytes: Int, into output: inout [UInt8]
    ) throws(ProtocolViolation) {
        if let failure { throw failure }
        do throws(ProtocolViolation) {
            guard let stream = stream ?? makeStream() else { throw .compressedDataInvalid }
            self.stream = stream
            try stream.decode(
                piece, isFinal: isFinal, maximumBytes: maximumBytes, scratch: pool.scratch, into: &output)
            if isFinal && !contextTakeover {
                pool.giveBack(stream)
                self.stream = nil
            }
        } catch {
            failure = error
            stream = nil
            throw error
        }
    }

    private func makeStream() -> InflateStream? {
        contextTakeover ? InflateStream(windowBits: windowBits) : pool.borrow()
    }
}

@available(*, unavailable)
extension InflateDecompressor: Sendable {}
