#if os(Linux)
import WebSocketCore

/// A part of a ``Backlog``.
enum OutputSegment {
    case frame(SharedFrame)
    /// Whole frames: the first `count` bytes of the run.
    case run(HeldRun, count: Int)
    case bytes([UInt8])

    /// What a segment takes besides its bytes, in an array that doubles.
    static let overhead = 2 * MemoryLayout<OutputSegment>.stride

    /// Calls `body` with the bytes; the segment keeps them alive during the call.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .frame(let frame): return frame.bytes.withUnsafeBytes(body)
        case .run(let run, let count):
            return run.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        case .bytes(let bytes): return bytes.withUnsafeBytes(body)
        }
    }

    var count: Int {
        switch self {
        case .frame(let frame): return frame.bytes.count
        case .run(_, let count): return count
        case .bytes(let bytes): return bytes.count
        }
    }

    func enter(into held: HeldOutput) {
        held.own(Self.overhead)
        switch self {
        case .frame(let frame): held.retain(frame, bytes: frame.bytes.count)
        case .run(let run, _): held.retain(run, bytes: run.bytes.count)
        case .bytes(let bytes): held.own(bytes.count)
        }
    }

    func leave(_ held: HeldOutput) {
        held.own(-Self.overhead)
        switch self {
        case .frame(let frame): held.release(frame, bytes: frame.bytes.count)
        case .run(let run, _): held.release(run, bytes: run.bytes.count)
        case .bytes(let bytes): held.own(-bytes.count)
        }
    }
}

@available(*, unavailable)
extension OutputSegment: Sendable {}
#endif
