import CZlib
import WebSocketCore

/// A raw inflate stream of zlib that decodes the pieces of one message after another (RFC 7692 §7.2.2).
final class InflateStream {
    // zlib's state points back at this structure, so that it needs an address of its own.
    private let stream: UnsafeMutablePointer<z_stream>
    /// No byte of the present DEFLATE stream was read yet: a new stream, or a block with BFINAL was the last thing.
    private var isAtStreamStart = true
    private var messageHasBytes = false

    /// `nil` when there is no memory; `windowBits` is 8...15.
    init?(windowBits: Int) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // A peer that was told 8 may be built on zlib, which takes 9 for it: a larger window reads both.
        let bits = -Int32(max(windowBits, 9))
        guard inflateInit2_(stream, bits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            return nil
        }
        self.stream = stream
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Forgets the window: the next message can not refer to any before it.
    func reset() {
        inflateReset(stream)
        isAtStreamStart = true
        messageHasBytes = false
    }

    /// Decodes one piece of a message; see ``MessageDecompressor`` for the parameters. After an error the stream is of
    /// no use.
    func decode(
        _ piece: UnsafeRawBufferPointer, isFinal: Bool, maximumBytes: Int, scratch: ScratchBuffer,
        into output: inout [UInt8]
    ) throws(ProtocolViolation) {
        if !piece.isEmpty {
            messageHasBytes = true
            try inflate(piece, maximumBytes: maximumBytes, scratch: scratch, into: &output)
        }
        guard isFinal else { return }
        // A message of no bytes is an empty one. And a block with BFINAL that ends together with the payload is
        // complete: the tail would begin another block.
        if messageHasBytes && !isAtStreamStart {
            try inflateTail(maximumBytes: maximumBytes, scratch: scratch, into: &output)
        }
        messageHasBytes = false
    }

    /// RFC 7692 §7.2.2: puts back the four bytes that the sender took off the empty block at the message's end.
    private func inflateTail(
        maximumBytes: Int, scratch: ScratchBuffer, into output: inout [UInt8]
    ) throws(ProtocolViolation) {
        let tail: UInt32 = 0xFFFF_0000
        try withUnsafeBytes(of: tail.littleEndian) { bytes throws(ProtocolViolation) in
            try inflate(bytes, maximumBytes: maximumBytes, scratch: scratch, into: &output)
        }
        // `data_type` is 128 exactly when zlib stands between two blocks, the last one was not the final one, and no
        // bit is left over. Anything else means that the tail fell into the middle of a block: data is missing.
        guard isAtStreamStart || stream.pointee.data_type == 128 else { throw .compressedDataInvalid }
    }

    private func inflate(
        _ input: UnsafeRawBufferPointer, maximumBytes: Int, scratch: ScratchBuffer, into output: inout [UInt8]
    ) throws(ProtocolViolation) {
        guard output.count <= maximumBytes else { throw .messageTooBig }
        var rest = input[...]
        // The structure must not keep a pointer to bytes that are gone after this call.
        defer { stream.pointee.next_in = nil }
        while true {
            // Room for one byte more than is allowed tells "exactly the limit" from "above it".
            let allowed = maximumBytes - output.count
            let room = allowed < scratch.bytes.count ? allowed + 1 : scratch.bytes.count
            let offered = UInt32(clamping: rest.count)
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: UnsafeRawBufferPointer(rebasing: rest).assumingMemoryBound(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = offered
            stream.pointee.next_out = scratch.bytes.baseAddress
            stream.pointee.avail_out = UInt32(clamping: room)

            let status = CZlib.inflate(stream, Z_SYNC_FLUSH)
            let consumed = Int(offered - stream.pointee.avail_in)
            let produced = room - Int(stream.pointee.avail_out)
            rest = rest.dropFirst(consumed)
            guard produced <= allowed else { throw .messageTooBig }
            output.append(contentsOf: scratch.prefix(produced))

            switch status {
            case Z_STREAM_END:
                // RFC 7692 §7.2.3.4: a block with BFINAL ends a DEFLATE stream, not the message. A sender with context
                // takeover may refer to what came before it, so the window stays, which `inflateReset` would clear.
                inflateResetKeep(stream)
                isAtStreamStart = true
            case Z_OK where consumed > 0 || produced > 0:
                if consumed > 0 { isAtStreamStart = false }
            case Z_BUF_ERROR where rest.isEmpty:
                return  // Nothing left to read, nothing left to write.
            default:
                // Corrupt data, no memory, or no progress with bytes left, which must not become a loop.
                throw .compressedDataInvalid
            }
            // With room left over, zlib has written all that it can make of the input.
            if rest.isEmpty && produced < room { return }
        }
    }
}
