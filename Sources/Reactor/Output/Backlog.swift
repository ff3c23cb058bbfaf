#if os(Linux)
import Glibc
import WebSocketCore

/// What a connection could not be sent because its peer does not take it: whole frames, of which the first may have
/// left in part.
///
/// Frames and runs that others have as well are held by reference and leave with one `sendmsg`; the loop's ``HeldOutput``
/// counts the memory. Confined to its loop's thread.
final class Backlog {
    enum Progress {
        /// Everything has left.
        case finished
        /// The peer takes no more at the moment, or this write was as long as one may be.
        case unfinished
        /// The connection is broken.
        case broken
    }

    private static let segmentsPerWrite = 64
    /// What one write may take, so that one fast reader of a long backlog does not hold up the others.
    private static let bytesPerWrite = 512 << 10
    /// Small frames are put together up to this size.
    private static let bytesPerSegment = 16 << 10

    private var segments: [OutputSegment] = []
    /// The first segment that has not left in whole, and how much of it has left.
    private var head = 0
    private var headSent = 0
    /// Frames that are put together at the moment; behind all segments.
    private var tail: [UInt8] = []
    private(set) var pending = PendingOutput()
    private let held: HeldOutput

    init(_ held: HeldOutput) { self.held = held }

    var bytes: Int { pending.bytes }

    /// The memory of what waits, in bytes: a frame of which a part has left counts in whole, and one that others have as
    /// well, too.
    var memory: Int { segments.dropFirst(head).reduce(tail.count) { $0 &+ $1.count } }

    /// The rule that the peer breaks now, see ``PendingOutput/verdict(_:now:pressure:kernelKeeps:)``.
    func verdict(
        _ limits: ConnectionLimits, now: MonotonicInstant, pressure: OutputBudget.Pressure, kernelKeeps: () -> Int
    ) -> SlowReader.Reason? {
        pending.verdict(limits, now: now, pressure: pressure, kernelKeeps: kernelKeeps)
    }

    /// Forgets everything; what it held counts until ``HeldOutput/release(atMost:)`` has let go of it.
    func clear() {
        held.own(-tail.count)
        tail = []
        held.discard(segments, from: head)
        segments = []
        head = 0
    }

    /// Enters what it holds into other books, for a check of its own.
    func recount(into books: HeldOutput) {
        books.own(tail.count)
        for segment in segments.dropFirst(head) { segment.enter(into: books) }
    }

    private func add(_ segment: OutputSegment) {
        segment.enter(into: held)
        segments.append(segment)
    }

    func append(_ frame: SharedFrame, _ limits: ConnectionLimits, now: MonotonicInstant) {
        pending.queued(frame.bytes.count, limits, now: now)
        // A reference costs about as much as a small frame.
        if frame.bytes.count <= 64, tail.count < Self.bytesPerSegment {
            tail += frame.bytes
            held.own(frame.bytes.count)
        } else {
            seal()
            add(.frame(frame))
        }
    }

    /// Appends whole frames.
    func append(_ bytes: UnsafeRawBufferPointer, _ limits: ConnectionLimits, now: MonotonicInstant) {
        pending.queued(bytes.count, limits, now: now)
        if tail.count >= Self.bytesPerSegment { seal() }
        tail.append(contentsOf: bytes)
        held.own(bytes.count)
    }

    /// Takes over whole frames of which the first `sent` bytes have left already; it must be the first.
    func begin(_ bytes: UnsafeRawBufferPointer, sent: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        pending.queued(bytes.count &- sent, limits, now: now)
        add(.bytes([UInt8](bytes)))
        headSent = sent
    }

    /// The same, by reference.
    func begin(_ run: HeldRun, sent: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        pending.queued(run.bytes.count &- sent, limits, now: now)
        add(.run(run, count: run.bytes.count))
        headSent = sent
    }

    /// The same, but for what has not begun to leave.
    func beginLast(_ run: HeldRun, sent: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        let end = run.bytes.withUnsafeBytes { Self.endOfBegun(in: $0, sent: sent) }
        guard end > sent else { return }
        pending.queued(end &- sent, limits, now: now)
        add(.run(run, count: end))
        headSent = sent
    }

    /// Copies what it needs of a run that is otherwise held for nothing.
    func letGoOfRun() {
        guard head < segments.count, case .run(let run, let count) = segments[head], count < run.bytes.count,
            !held.isShared(run)
        else { return }
        segments[head].leave(held)
        segments[head] = .bytes([UInt8](run.bytes.prefix(count)))
        segments[head].enter(into: held)
    }

    /// As ``begin(_:sent:_:now:)``, which copies `bytes`, but without the frames that have not begun to leave.
    func beginLast(_ bytes: UnsafeRawBufferPointer, sent: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        let end = Self.endOfBegun(in: bytes, sent: sent)
        guard end > sent else { return }
        begin(UnsafeRawBufferPointer(rebasing: bytes[..<end]), sent: sent, limits, now: now)
    }

    /// As ``begin(_:sent:_:now:)``, by reference.
    func begin(_ frame: SharedFrame, sent: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        pending.queued(frame.bytes.count &- sent, limits, now: now)
        add(.frame(frame))
        headSent = sent
    }

    /// Drops every frame of which nothing has left yet. What is shared stays so: readers that are all cut off at once
    /// would otherwise take as many copies of what they were being sent.
    func dropUnbegun(_ limits: ConnectionLimits, now: MonotonicInstant) {
        let before = bytes
        let begun = headSent > 0 && head < segments.count ? segments[head] : nil
        let rest = begun.flatMap { segment -> OutputSegment? in
            let end = segment.withBytes { Self.endOfBegun(in: $0, sent: headSent) }
            guard end > headSent else { return nil }
            switch segment {
            case .frame: return segment
            case .run(let run, _):
                return held.isShared(run) ? .run(run, count: end) : .bytes([UInt8](run.bytes.prefix(end)))
            case .bytes(let bytes): return .bytes([UInt8](bytes.prefix(end)))
            }
        }
        clear()
        if let rest {
            add(rest)
            pending.sent(before &- (rest.count &- headSent), limits, now: now)
        } else {
            headSent = 0
            pending.sent(before, limits, now: now)
        }
    }

    /// Writes once.
    func write(to descriptor: Int32, _ limits: ConnectionLimits, now: MonotonicInstant) -> Progress {
        seal()
        let sent = withVectors { vectors, count -> Int in
            guard count > 0 else { return 0 }
            // As writev, which would raise SIGPIPE.
            var message = msghdr()
            message.msg_iov = vectors
            message.msg_iovlen = count
            return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
        }
        if sent < 0 { return errno == EAGAIN || errno == EINTR ? .unfinished : .broken }
        pending.sent(sent, limits, now: now)
        advance(sent)
        return segments.isEmpty ? .finished : .unfinished
    }

    private func seal() {
        guard !tail.isEmpty else { return }
        held.own(-tail.count)
        add(.bytes(tail))
        tail = []
    }

    private func advance(_ sent: Int) {
        headSent &+= sent
        while head < segments.count, headSent >= segments[head].count {
            headSent &-= segments[head].count
            segments[head].leave(held)
            segments[head] = .bytes([])
            head += 1
        }
        if head == segments.count {
            segments = []
            head = 0
        } else if head >= 64, head * 2 >= segments.count {
            segments.removeFirst(head)
            head = 0
        }
    }

    private func withVectors(_ body: (UnsafeMutablePointer<iovec>, Int) -> Int) -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.segmentsPerWrite) { vectors in
            var count = 0
            var bytes = 0
            var index = head
            while index < segments.count, count < Self.segmentsPerWrite, bytes < Self.bytesPerWrite {
                let skipped = index == head ? headSent : 0
                // The segments keep their bytes where they are as long as nothing is changed.
                segments[index].withBytes { segment in
                    guard let base = segment.baseAddress else { return }
                    let length = min(segment.count &- skipped, Self.bytesPerWrite)
                    vectors[count] = iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: base + skipped), iov_len: length)
                    bytes &+= length
                    count &+= 1
                }
                index += 1
            }
            return vectors.baseAddress.map { body($0, count) } ?? 0
        }
    }

    /// The end of the frame of `bytes` that is under way after `sent` bytes.
    private static func endOfBegun(in bytes: UnsafeRawBufferPointer, sent: Int) -> Int {
        var end = 0
        while end < sent, let length = FrameHeader.wireLength(ofFrameAt: end, in: bytes) { end &+= length }
        return min(max(end, sent), bytes.count)
    }
}

@available(*, unavailable)
extension Backlog: Sendable {}
#endif
