import NIOCore
import WebSocketCore

/// What one connection has to write: small frames put together, large ones by reference, each buffer whole frames.
///
/// Frames that others get too come as a ``FrameRun``, which all that got the same ones share. As soon as a frame of its
/// own comes between, the connection puts its frames together in a buffer of its own.
struct Outbox {
    /// Up to this size frames are copied together; larger ones are handed on as they are.
    static let directBytes = 16 * 1024
    /// What is copied together fills buffers of at most this size.
    private static let corkBytes = 64 * 1024

    /// What is written at a time: whole frames.
    struct Piece {
        var buffer = ByteBuffer()
        /// What others have as well, also in later turns as long as one of them holds it.
        var run: FrameRun?
    }

    /// Complete buffers, from `readyStart` on.
    private var ready: [Piece] = []
    private var readyStart = 0
    /// What was queued last: shared frames only, or anything in a buffer of its own; never both.
    private var run: FrameRun?
    private var cork: ByteBuffer?
    /// Bytes that wait here.
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    /// Queues a frame that other connections get too.
    @inline(__always)
    mutating func append(_ frame: SharedFrame, _ compressor: (any MessageCompressor)?, _ runs: FrameRuns) {
        if cork == nil, let longer = runs.run(after: run, frame, compressor) {
            byteCount += longer.byteCount - (run?.byteCount ?? 0)
            run = longer
        } else {
            appendApart(frame, compressor, runs)
        }
    }

    @inline(never)
    private mutating func appendApart(
        _ frame: SharedFrame, _ compressor: (any MessageCompressor)?, _ runs: FrameRuns
    ) {
        guard let alone = runs.run(after: nil, frame, compressor) else { return }
        byteCount += alone.byteCount
        if cork != nil, alone.byteCount <= Self.directBytes, makeRoom(alone.byteCount) {
            cork?.writeImmutableBuffer(alone.buffer)
        } else {
            seal()
            run = alone
        }
    }

    /// Encodes a frame here (RFC 6455 §5.2), masked when there is a key.
    mutating func append(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool, maskingKey: UInt32?
    ) {
        let count = payload.count + FrameHeader.maximumBytes
        if !makeRoom(count) {
            seal()
            cork = ByteBufferAllocator().buffer(capacity: count)
        }
        let before = cork?.readableBytes ?? 0
        cork?.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
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
        byteCount += (cork?.readableBytes ?? 0) - before
    }

    /// Takes the next buffer to write; `nil` when nothing is left.
    mutating func next() -> Piece? {
        guard readyStart == ready.count else {
            let piece = ready[readyStart]
            ready[readyStart] = Piece()  // the array keeps its place for a while, but not its bytes
            readyStart += 1
            byteCount -= piece.buffer.readableBytes
            if readyStart == ready.count {
                ready = []
                readyStart = 0
            } else if readyStart >= 64 {
                ready.removeFirst(readyStart)
                readyStart = 0
            }
            return piece
        }
        return nextOnly()
    }

    /// Takes what waits when it is a single buffer; `nil` when it is more, or nothing.
    mutating func nextOnly() -> Piece? {
        guard readyStart == ready.count, let buffer = run?.buffer ?? cork else { return nil }
        let piece = Piece(buffer: buffer, run: run)
        run = nil
        cork = nil
        byteCount = 0
        return piece
    }

    /// Drops everything. Nothing of it has begun to leave, and what has left ends with a whole frame.
    mutating func removeAll() { self = Outbox() }

    /// Makes the own buffer ready for `count` more bytes; `false` when another buffer is better for them.
    private mutating func makeRoom(_ count: Int) -> Bool {
        if let run {
            guard run.byteCount <= Self.directBytes, run.byteCount + count <= Self.corkBytes else { return false }
            self.run = nil
            var own = ByteBufferAllocator().buffer(capacity: max(2 * (run.byteCount + count), 1024))
            own.writeImmutableBuffer(run.buffer)
            cork = own
            return true
        }
        return cork.map { $0.readableBytes + count <= Self.corkBytes } ?? false
    }

    private mutating func seal() {
        if let buffer = run?.buffer ?? cork { ready.append(Piece(buffer: buffer, run: run)) }
        run = nil
        cork = nil
    }
}
