/// What the C library's allocator takes for what is kept: budgets count this, not the bytes that a peer has sent.
///
/// By the rules of glibc on 64 bits: a header of 8 bytes, steps of 16, at least 32; blocks of 128 KiB and more are whole
/// pages. A Swift array has a header of 32 bytes and may have room for more than it holds.
enum HeapBytes {
    private static let largeBlock = 128 << 10

    /// The block for so many bytes.
    static func block(_ bytes: Int) -> Int {
        bytes < largeBlock ? max(32, (bytes &+ 23) & ~15) : (bytes &+ 4_111) & ~4_095
    }

    /// The block of an array of bytes; an empty one has none.
    static func array(_ bytes: [UInt8]) -> Int { bytes.capacity == 0 ? 0 : block(bytes.capacity &+ 32) }

    /// The block of an array with room for so many elements of so many bytes.
    static func array(capacity: Int, stride: Int) -> Int { capacity == 0 ? 0 : block(capacity &* stride &+ 32) }
}
