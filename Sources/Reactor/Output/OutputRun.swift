#if os(Linux)
import WebSocketCore

/// The bytes that a connection is to be sent at the end of the tick.
///
/// A run is a sequence of frames, each byte of which lies in the loop's ``ByteArena`` once, or it is one frame where that
/// lies: a ``SharedFrame``, or an answer whose payload is a part of what is being read. Connections that are queued the
/// same frames in the same order have the same run: what comes next is looked for at the run they have, in ``next``, so
/// that fan-out stores a pointer per connection and copies no byte per connection, however many frames there are.
struct OutputRun {
    /// Where it begins in the arena; ``elsewhere`` for a lone frame and for an answer that lies in what is being read.
    var start: Int
    var count: Int
    /// The frame that made this run out of another one, or out of nothing; `nil` for a run that is one connection's own.
    /// The arena keeps it alive.
    var frame: UnsafeRawPointer?
    /// The run that was last made of this one by one more shared frame.
    var next: RunHandle?
    /// Bytes at the beginning of a connection's own run that runs of others have as well.
    var common = 0

    /// Less than any place in the arena, whatever is added to it.
    static let elsewhere = Int.min

    /// Whether this is what was queued when `frame` was queued last.
    @inline(__always)
    func ends(with frame: SharedFrame) -> Bool {
        UInt(bitPattern: self.frame) == UInt(bitPattern: Unmanaged.passUnretained(frame).toOpaque())
    }

    var isLoneFrame: Bool { start < 0 && frame != nil }
    var isAnswer: Bool { start < 0 && frame == nil }
    var isOwn: Bool { frame == nil }
    var end: Int { start &+ count }
}
#endif
