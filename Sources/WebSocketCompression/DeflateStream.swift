import CZlib

/// A raw deflate stream of zlib that encodes one message after another (RFC 7692 §7.2.1).
final class DeflateStream {
    // zlib's state points back at this structure, so that it needs an address of its own.
    private let stream: UnsafeMutablePointer<z_stream>
    private static let tail: [UInt8] = [0, 0, 0xFF, 0xFF]

    /// `nil` when there is no memory, or zlib has no such window.
    init?(windowBits: Int, level: Int, memoryLevel: Int) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // A window of 8 bits: zlib refuses it or takes 9, by its version. Neither is what was negotiated.
        guard windowBits >= 9,
            deflateInit2_(
                stream, Int32(level), Z_DEFLATED, -Int32(windowBits), Int32(memoryLevel), Z_DEFAULT_STRATEGY,
                ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            stream.deallocate()
            return nil
        }
        self.stream = stream
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Forgets the window.
    func reset() { deflateReset(stream) }

    /// Appends the message's DEFLATE blocks without the last four bytes; `false` leaves a stream that is of no use.
    func encode(_ payload: UnsafeRawBufferPointer, scratch: ScratchBuffer, into output: inout [UInt8]) -> Bool {
        let start = output.count
        var rest = payload[...]
        defer { stream.pointee.next_in = nil }
        repeat {
            let offered = UInt32(clamping: rest.count)
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: UnsafeRawBufferPointer(rebasing: rest).assumingMemoryBound(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = offered
            stream.pointee.next_out = scratch.bytes.baseAddress
            stream.pointee.avail_out = UInt32(clamping: scratch.bytes.count)

            let status = deflate(stream, Z_SYNC_FLUSH)
            rest = rest.dropFirst(Int(offered - stream.pointee.avail_in))
            let produced = scratch.bytes.count - Int(stream.pointee.avail_out)
            output.append(contentsOf: scratch.prefix(produced))
            // Z_BUF_ERROR says that the flush was complete when the output was last full.
            guard status == Z_OK || status == Z_BUF_ERROR else { break }
        } while stream.pointee.avail_out == 0 || !rest.isEmpty

        // RFC 7692 §7.2.1: the flush ends with an empty block without compression, whose last four bytes are not sent.
        guard rest.isEmpty, output.count - start > 4, output.suffix(4).elementsEqual(Self.tail) else {
            output.removeLast(output.count - start)
            return false
        }
        output.removeLast(4)
        return true
    }
}
