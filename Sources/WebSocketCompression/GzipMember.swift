import CZlib

/// Reads a gzip member (RFC 1952), as the body of an HTTP request.
package enum GzipMember {
    /// Why bytes are not read.
    package enum Problem: Error, Hashable, Sendable {
        /// It stands for more bytes than allowed.
        case tooLong
        /// It is no gzip member, not all of one, or one and something behind it; or there is no memory to read it.
        case malformed
    }

    /// What `member` stands for.
    ///
    /// - Parameter maximumBytes: takes memory for one byte more, and makes no more than that.
    package static func read(_ member: [UInt8], maximumBytes: Int) throws(Problem) -> [UInt8] {
        // zlib's state points back at this structure, so that it needs an address of its own.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // 16 on top of the window's bits: gzip alone, with its checksum and length.
        guard inflateInit2_(stream, 16 + MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .malformed
        }
        defer { inflateEnd(stream) }
        var status = Z_OK
        let bytes = member.withUnsafeBufferPointer { input in
            // Room for one byte more than is allowed tells "exactly the limit" from "above it".
            [UInt8](unsafeUninitializedCapacity: maximumBytes + 1) { output, count in
                let room = UInt32(clamping: output.count)
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(clamping: input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = room
                status = inflate(stream, Z_FINISH)
                count = Int(room - stream.pointee.avail_out)
            }
        }
        guard bytes.count <= maximumBytes else { throw .tooLong }
        guard status == Z_STREAM_END, stream.pointee.avail_in == 0 else { throw .malformed }
        return bytes
    }
}
