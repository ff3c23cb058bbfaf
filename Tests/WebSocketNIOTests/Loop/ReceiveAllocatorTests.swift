import NIOCore
import Testing

@testable import WebSocketNIO

@Suite("Receive buffers", .timeLimit(.minutes(5)))
struct ReceiveAllocatorTests {
    /// Shows which buffer a pool has kept: it takes one of any size.
    private struct Anything: RecvByteBufferAllocator {
        func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: 1) }
        mutating func record(actualReadBytes: Int) -> Bool { false }
        func nextBufferSize() -> Int? { 1 }
    }

    @Test("The pool of an idle connection keeps a few bytes only, however much has been read")
    func keepsLittle() {
        let allocator = ByteBufferAllocator()
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: ReceiveAllocator())
        var capacities: [Int] = []
        for _ in 0..<5 {
            let (buffer, _) = pool.buffer(allocator: allocator) { $0.writeBytes([1]) }
            capacities.append(buffer.capacity)
            pool.record(actualReadBytes: 64 * 1024)
        }
        #expect(capacities.first.map { $0 <= 64 } == true)
        #expect(capacities.dropFirst().allSatisfy { $0 >= ReceiveAllocator.capacity })
        #expect(pool.count == 1)
        pool.recvAllocator = Anything()
        #expect(pool.buffer(allocator: allocator) { _ in }.0.capacity <= 64)
    }
}
