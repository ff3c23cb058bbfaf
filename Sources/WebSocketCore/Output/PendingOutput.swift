/// The books of what one connection has queued and its peer has not taken: how much, and since when.
///
/// A carrier opens them when something has to wait, enters what is queued and what leaves, and asks for the verdict
/// after each entry and at the deadline. Ages are exact to a second, or to a tenth of the limit where that is more;
/// nobody is cut off too early. Nothing is allocated while nothing waits, and at most 600 bytes while something does.
///
/// A large message takes its time over a slow line, and what was queued behind it waits without the reader's fault: while
/// one is under way, the reader keeps up if it takes ``pace`` bytes within ``ConnectionLimits/maximumPendingAge``. Not so
/// where the node's budget is tight: nobody is to take others' room by reading slowly.
public struct PendingOutput: Hashable, Sendable {
    /// What was queued within a short time.
    private struct Mark: Hashable, Sendable {
        var bytes: Int
        let start: MonotonicInstant
        var end: MonotonicInstant
        /// A large message, or as much that was queued at once; with others only when there are very many.
        let isLarge: Bool
    }

    private static let maximumMarks = 16
    /// From this size in bytes on a message is large, and what is queued in one turn of the loop; and what the reader of one has to take in time.
    static let pace = 64 * 1024

    /// Bytes that wait.
    public private(set) var bytes = 0
    /// Bytes of the newest entry: a single message may be larger than a limit, only what waits before it counts.
    private var newest = 0
    private var aboveSoftLimitSince: MonotonicInstant?
    /// Oldest first; together they are ``bytes``.
    private var marks: [Mark] = []
    /// When the reader last had ``pace`` bytes of a large message, or this side was rid of one.
    private var progress = MonotonicInstant(milliseconds: 0)
    /// Bytes that have left, of all that ever waited here.
    private var sent = 0
    /// Those that the reader had at ``progress``: without what the kernel keeps for it. `nil` before a large message.
    private var taken: Int?

    /// Books in which nothing waits.
    public init() {}

    /// Enters a message, or a part of one, that waits from now on.
    public mutating func queued(_ count: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        guard count > 0 else { return }
        bytes += count
        newest = count
        let isLarge = count >= Self.pace
        // When there are so many marks the newest need not be told apart: the oldest is too old already, or large.
        if let last = marks.indices.last, belongs(isLarge, to: marks[last], limits, now) {
            marks[last].bytes += count
            marks[last].end = now
        } else {
            marks.append(Mark(bytes: count, start: now, end: now, isLarge: isLarge))
        }
        noteSoftLimit(limits, now)
    }

    /// Enters that the oldest `count` bytes have left.
    public mutating func sent(_ count: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        var left = min(count, bytes)
        bytes -= left
        sent += left
        if bytes == 0 {
            self = PendingOutput()
            return
        }
        var done = 0
        while left > 0, done < marks.count {
            let taken = min(left, marks[done].bytes)
            marks[done].bytes -= taken
            left -= taken
            guard marks[done].bytes == 0 else { break }
            if marks[done].isLarge { (progress, self.taken) = (now, nil) }
            done += 1
        }
        marks.removeFirst(done)
        noteSoftLimit(limits, now)
    }

    /// The rule that the peer breaks now, if it breaks one.
    ///
    /// - Parameters:
    ///   - isTight: whether the node's budget is, see ``OutputBudget/isTight``.
    ///   - kernelKeeps: how many bytes of what has left the kernel keeps, as far as that is known. It may be megabytes, and
    ///     the kernel takes nothing more before a third of that is gone; asked only while a large message is under way.
    public mutating func verdict(
        _ limits: ConnectionLimits, now: MonotonicInstant, isTight: Bool = false, kernelKeeps: () -> Int = { 0 }
    ) -> SlowReader.Reason? {
        if bytes - newest > limits.maximumPendingBytes { return .hardLimit }
        if isTight, let oldest = marks.first, now.since(oldest.end) >= limits.maximumPendingAge { return .stalled }
        if let first = marks.first, first.isLarge {
            let isDue = now.since(max(first.end, progress)) >= limits.maximumPendingAge
            if isDue || taken == nil { noteProgress(sent - kernelKeeps(), now) }
        }
        if let waiting = waitingSince, now.since(waiting) >= limits.maximumPendingAge { return .stalled }
        if let since = aboveSoftLimitSince, now.since(since) >= limits.softPendingTime { return .softLimit }
        return nil
    }

    /// When the verdict can change although nothing is entered; the end of time when nothing waits.
    public func nextDeadline(_ limits: ConnectionLimits) -> MonotonicInstant {
        let never = MonotonicInstant(milliseconds: .max)
        let age = waitingSince.map { $0.advanced(by: limits.maximumPendingAge) } ?? never
        let soft = aboveSoftLimitSince.map { $0.advanced(by: limits.softPendingTime) } ?? never
        return min(age, soft)
    }

    /// Since when the reader is waited for.
    private var waitingSince: MonotonicInstant? { marks.first.map { max($0.end, progress) } }

    private func belongs(
        _ isLarge: Bool, to mark: Mark, _ limits: ConnectionLimits, _ now: MonotonicInstant
    ) -> Bool {
        if marks.count == Self.maximumMarks { return true }
        return !isLarge && !mark.isLarge && now.since(mark.start) < max(1000, limits.maximumPendingAge / 10)
    }

    private mutating func noteProgress(_ count: Int, _ now: MonotonicInstant) {
        if let taken, count - taken < Self.pace { return }
        (progress, taken) = (now, count)
    }

    private mutating func noteSoftLimit(_ limits: ConnectionLimits, _ now: MonotonicInstant) {
        // A large message that is under way is not what the soft limit is about.
        let large = marks.first.map { $0.isLarge ? $0.bytes : 0 } ?? 0
        if bytes - large <= limits.softPendingBytes {
            aboveSoftLimitSince = nil
        } else if aboveSoftLimitSince == nil {
            aboveSoftLimitSince = now
        }
    }
}
