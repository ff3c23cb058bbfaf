import NIOCore
import WebSocketCore

/// A sequence of shared frames that connections of a loop have been sent in this turn: one buffer for all of them.
///
/// Each run is a frame longer than the one it was made of. Connections that got the same frames stand at the same run,
/// so the bytes are put together once, however many connections write them. Confined to its loop's thread.
final class FrameRun {
    /// Up to this size frames are put together.
    static let maximumBytes = 64 * 1024
    /// Longer frames stay alone: handing on two buffers is cheaper than copying one of them.
    static let maximumFrameBytes = 16 * 1024
    private static let maximumFrames = 64

    /// Whole frames, from the first to the last.
    let byteCount: Int
    private let frame: SharedFrame
    private let compressor: ObjectIdentifier?
    private let bytes: [UInt8]
    private let before: FrameRun?
    private let frameCount: Int
    /// The run that was made of this one last: a frame goes to all its readers before the next one does.
    var next: FrameRun?
    /// The run for the same frame compressed otherwise.
    private let sibling: FrameRun?
    private var made: ByteBuffer?

    init(
        _ frame: SharedFrame, _ compressor: ObjectIdentifier?, _ bytes: [UInt8], after before: FrameRun?,
        beside other: FrameRun?
    ) {
        self.frame = frame
        self.compressor = compressor
        self.bytes = bytes
        self.before = before
        sibling = other.flatMap { $0.frame === frame ? $0 : nil }
        byteCount = (before?.byteCount ?? 0) + bytes.count
        frameCount = (before?.frameCount ?? 0) + 1
    }

    /// This run or a sibling, when it ends with the frame, compressed so.
    @inline(__always)
    func ending(with frame: SharedFrame, _ compressor: ObjectIdentifier?) -> FrameRun? {
        guard self.frame === frame else { return nil }
        return self.compressor == compressor ? self : sibling?.find(compressor)
    }

    @inline(never)
    private func find(_ compressor: ObjectIdentifier?) -> FrameRun? {
        self.compressor == compressor ? self : sibling?.find(compressor)
    }

    func hasRoom(for bytes: [UInt8]) -> Bool {
        frameCount < Self.maximumFrames && byteCount + bytes.count <= Self.maximumBytes
            && self.bytes.count <= Self.maximumFrameBytes && bytes.count <= Self.maximumFrameBytes
    }

    /// The bytes of all frames; put together when they are first asked for.
    var buffer: ByteBuffer {
        if let made { return made }
        var frames = [bytes]
        var run = before
        while let earlier = run {
            frames.append(earlier.bytes)
            run = earlier.before
        }
        var buffer = ByteBufferAllocator().buffer(capacity: byteCount)
        for bytes in frames.reversed() { buffer.writeBytes(bytes) }
        made = buffer
        return buffer
    }
}

@available(*, unavailable)
extension FrameRun: Sendable {}
