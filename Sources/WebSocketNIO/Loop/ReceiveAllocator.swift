import NIOCore

/// Gives each read a fresh buffer, so that an idle connection holds next to no receive buffer.
///
/// Use it with `maxMessagesPerRead` 1. SwiftNIO's pool keeps the first buffer for as long as the connection lives, and
/// nothing makes it let go: so the first read is of a few bytes only, and what they belong to comes with the second.
/// The pool would also use the first one again unless it were told that the next one grows.
struct ReceiveAllocator: RecvByteBufferAllocator {
    /// Bytes a read: under the size from which the C library maps and unmaps memory for each allocation.
    static let capacity = 64 * 1024

    /// Bytes of the first read.
    static let firstCapacity = 32

    private var hasRead = false

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: hasRead ? Self.capacity : Self.firstCapacity)
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        hasRead = true
        return true
    }
}
