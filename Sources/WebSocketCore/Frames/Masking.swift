/// Masking and unmasking of payload bytes (RFC 6455 §5.3): byte `i` is XORed with byte `i mod 4` of the key.
public enum Masking {
    /// XORs `count` bytes from `source` to `destination` and returns the key for the byte that follows.
    ///
    /// Works in blocks of 64 bytes, then vectors of 16, a word of 8, and single bytes. `source` and `destination` are the same memory
    /// or do not overlap. A payload that arrives in pieces is unmasked by handing the returned key to the next call.
    ///
    /// - Parameter key: the four bytes of the key, the first one lowest (as ``FrameHeader/maskingKey``).
    /// - Returns: `key`, rotated by `count` bytes.
    @discardableResult
    @inline(__always)  // what a small message costs is more the calls than the work
    public static func apply(
        _ key: UInt32, from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int
    ) -> UInt32 {
        let word = (UInt64(key) << 32 | UInt64(key)).littleEndian
        let wide = SIMD8<UInt64>(repeating: word)
        let narrow = SIMD2<UInt64>(repeating: word)
        var index = 0
        while index &+ 64 <= count {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: SIMD8<UInt64>.self)
            destination.storeBytes(of: bytes ^ wide, toByteOffset: index, as: SIMD8<UInt64>.self)
            index &+= 64
        }
        while index &+ 16 <= count {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: SIMD2<UInt64>.self)
            destination.storeBytes(of: bytes ^ narrow, toByteOffset: index, as: SIMD2<UInt64>.self)
            index &+= 16
        }
        if index &+ 8 <= count {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            destination.storeBytes(of: bytes ^ word, toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        var rest = key
        while index < count {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            destination.storeBytes(of: byte ^ UInt8(truncatingIfNeeded: rest), toByteOffset: index, as: UInt8.self)
            rest = rest >> 8 | rest << 24
            index &+= 1
        }
        // 64, 16 and 8 are multiples of 4, so only the single bytes have rotated the key.
        return rest
    }
}
