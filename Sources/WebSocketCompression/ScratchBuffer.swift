/// The bytes that zlib writes to before they are appended to a message; one for all streams of a loop.
///
/// Output grows by what was produced, not by what the peer's data promises, and no call allocates.
final class ScratchBuffer {
    /// 32 KiB: zlib's largest window. A smaller one would make zlib copy its window more often than needed.
    static let byteCount = 32 << 10

    let bytes: UnsafeMutableBufferPointer<UInt8>

    init() {
        bytes = .allocate(capacity: Self.byteCount)
        bytes.initialize(repeating: 0)
    }

    /// The first `count` bytes; `count` is at most ``byteCount``.
    func prefix(_ count: Int) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[..<count]) }

    deinit { bytes.deallocate() }
}
