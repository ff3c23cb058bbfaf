import NIOCore
import WebSocketCore

/// What one connection writes at the end of the tick: small frames corked into one buffer, large ones by reference.
struct Outbox {
    /// Up to this size frames are copied together; larger ones are handed on as they are.
    static let directBytes = 16 * 1024

    private var ready: [ByteBuffer] = []
    /// A lone frame by reference, or the buffer that small frames are corked into.
    private var last: ByteBuffer?
    private var lastIsOwn = false
    /// Bytes that wait here.
    private(set) var byteCount = 0

    /// Queues an encoded frame by reference.
    mutating func append(_ frame: ByteBuffer, _ allocator: ByteBufferAllocator) {
        let count = frame.readableBytes
        byteCount += count
        guard last != nil else {
            last = frame
            lastIsOwn = false
            return
        }
        guard count <= Self.directBytes, makeRoom(count, allocator) else {
            seal()
            last = frame
            lastIsOwn = false
            return
        }
        last?.writeImmutableBuffer(frame)
    }

    /// Encodes a frame here (RFC 6455 §5.2), masked when there is a key.
    mutating func append(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool, maskingKey: UInt32?,
        _ allocator: ByteBufferAllocator
    ) {
        let count = payload.count + FrameHeader.maximumBytes
        if last == nil || !makeRoom(count, allocator) {
            seal()
            last = allocator.buffer(capacity: count)
            lastIsOwn = true
        }
        let before = last?.readableBytes ?? 0
        last?.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            let header = FrameHeader(
                isCompressed: isCompressed, opcode: opcode, maskingKey: maskingKey, payloadLength: payload.count)
            let headerBytes = header.write(to: space)
            guard let base = space.baseAddress, let source = payload.baseAddress else { return headerBytes }
            if let maskingKey {
                Masking.apply(maskingKey, from: source, to: base + headerBytes, count: payload.count)
            } else {
                (base + headerBytes).copyMemory(from: source, byteCount: payload.count)
            }
            return headerBytes + payload.count
        }
        byteCount += (last?.readableBytes ?? 0) - before
    }

    /// Takes the next buffer to write; `nil` when nothing is left.
    mutating func next() -> ByteBuffer? {
        if !ready.isEmpty {
            let buffer = ready.removeFirst()
            byteCount -= buffer.readableBytes
            return buffer
        }
        guard let buffer = last else { return nil }
        last = nil
        byteCount = 0
        return buffer
    }

    /// Makes the cork ready for `count` more bytes; `false` when a buffer of its own is better for them.
    private mutating func makeRoom(_ count: Int, _ allocator: ByteBufferAllocator) -> Bool {
        guard let current = last else { return false }
        let whole = current.readableBytes + count
        guard whole <= Self.directBytes * 4, current.readableBytes <= Self.directBytes || lastIsOwn else {
            return false
        }
        if !lastIsOwn {
            var own = allocator.buffer(capacity: max(2 * whole, 1024))
            own.writeImmutableBuffer(current)
            last = own
            lastIsOwn = true
        }
        return true
    }

    private mutating func seal() {
        if let last { ready.append(last) }
        last = nil
    }
}
