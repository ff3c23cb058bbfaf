/// Masking and unmasking of payload bytes (RFC 6455 §5.3): byte `i` is XORed with byte `i mod 4` of the key.
public enum Masking {
    /// XORs `count` bytes from `source` to `destination` and returns the key for the byte that follows.
    ///
    /// Works in blocks of 128 bytes, then of 64, 32, 16, 8 and 4, and single bytes. `source` and `destination` are the same
    /// memory or do not overlap. A payload that arrives in pieces is unmasked by handing the returned key to the next call.
    ///
    /// - Parameter key: the four bytes of the key, the first one lowest (as ``FrameHeader/maskingKey``).
    /// - Returns: `key`, rotated by `count` bytes.
    @discardableResult
    @inline(__always)  // what a small message costs is more the calls than the work
    public static func apply(
        _ key: UInt32, from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int
    ) -> UInt32 {
        let word = (UInt64(key) << 32 | UInt64(key)).littleEndian
        var index = 0
        while index &+ 128 <= count {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt64>.self)
            destination.storeBytes(of: bytes ^ SIMD16(repeating: word), toByteOffset: index, as: SIMD16<UInt64>.self)
            index &+= 128
        }
        // What is left of it by its bits: no loop.
        if count & 64 != 0 {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: SIMD8<UInt64>.self)
            destination.storeBytes(of: bytes ^ SIMD8(repeating: word), toByteOffset: index, as: SIMD8<UInt64>.self)
            index &+= 64
        }
        guard count & 63 != 0 else { return key }
        if count & 32 != 0 {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
            destination.storeBytes(of: bytes ^ SIMD4(repeating: word), toByteOffset: index, as: SIMD4<UInt64>.self)
            index &+= 32
        }
        if count & 16 != 0 {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: SIMD2<UInt64>.self)
            destination.storeBytes(of: bytes ^ SIMD2(repeating: word), toByteOffset: index, as: SIMD2<UInt64>.self)
            index &+= 16
        }
        if count & 8 != 0 {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            destination.storeBytes(of: bytes ^ word, toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        guard count & 7 != 0 else { return key }
        if count & 4 != 0 {
            let bytes = source.loadUnaligned(fromByteOffset: index, as: UInt32.self)
            destination.storeBytes(of: bytes ^ key.littleEndian, toByteOffset: index, as: UInt32.self)
            index &+= 4
        }
        var rest = key
        for _ in 0..<(count & 3) {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            destination.storeBytes(of: byte ^ UInt8(truncatingIfNeeded: rest), toByteOffset: index, as: UInt8.self)
            rest = rest >> 8 | rest << 24
            index &+= 1
        }
        // Everything before is a multiple of 4, so only the single bytes have rotated the key.
        return rest
    }
}
