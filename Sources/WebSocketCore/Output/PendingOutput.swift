/// The books of what one connection has queued and its peer has not taken: how much, and since when.
///
/// A carrier opens them when something has to wait, enters what is queued and what leaves, and asks for the verdict
/// after each entry and at the deadline. Ages are exact to a second, or to a tenth of the limit where that is more;
/// nobody is cut off too early. Nothing is allocated while nothing waits, and at most 500 bytes while something does.
public struct PendingOutput: Hashable, Sendable {
    /// What was queued within a short time.
    private struct Mark: Hashable, Sendable {
        var bytes: Int
        let start: MonotonicInstant
        var end: MonotonicInstant
    }

    private static let maximumMarks = 16

    /// Bytes that wait.
    public private(set) var bytes = 0
    /// Bytes of the newest entry: a single message may be larger than a limit, only what waits before it counts.
    private var newest = 0
    private var aboveSoftLimitSince: MonotonicInstant?
    /// Oldest first; together they are ``bytes``.
    private var marks: [Mark] = []

    /// Books in which nothing waits.
    public init() {}

    /// Enters a message, or a part of one, that waits from now on.
    public mutating func queued(_ count: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        guard count > 0 else { return }
        bytes += count
        newest = count
        let markTime = max(1000, limits.maximumPendingAge / 10)
        // When there are so many marks the oldest is too old already: the newest need not be told apart.
        if let last = marks.indices.last, now.since(marks[last].start) < markTime || marks.count == Self.maximumMarks {
            marks[last].bytes += count
            marks[last].end = now
        } else {
            marks.append(Mark(bytes: count, start: now, end: now))
        }
        noteSoftLimit(limits, now)
    }

    /// Enters that the oldest `count` bytes have left.
    public mutating func sent(_ count: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        var left = min(count, bytes)
        bytes -= left
        if bytes == 0 {
            self = PendingOutput()
            return
        }
        var done = 0
        while left > 0, done < marks.count {
            let taken = min(left, marks[done].bytes)
            marks[done].bytes -= taken
            left -= taken
            if marks[done].bytes == 0 { done += 1 }
        }
        marks.removeFirst(done)
        noteSoftLimit(limits, now)
    }

    /// The rule that the peer breaks now, if it breaks one.
    public func verdict(_ limits: ConnectionLimits, now: MonotonicInstant) -> SlowReader.Reason? {
        if bytes - newest > limits.maximumPendingBytes { return .hardLimit }
        if let oldest = marks.first, now.since(oldest.end) >= limits.maximumPendingAge { return .stalled }
        if let since = aboveSoftLimitSince, now.since(since) >= limits.softPendingTime { return .softLimit }
        return nil
    }

    /// When the verdict can change although nothing is entered; the end of time when nothing waits.
    public func nextDeadline(_ limits: ConnectionLimits) -> MonotonicInstant {
        let never = MonotonicInstant(milliseconds: .max)
        let age = marks.first.map { $0.end.advanced(by: limits.maximumPendingAge) } ?? never
        let soft = aboveSoftLimitSince.map { $0.advanced(by: limits.softPendingTime) } ?? never
        return min(age, soft)
    }

    private mutating func noteSoftLimit(_ limits: ConnectionLimits, _ now: MonotonicInstant) {
        if bytes <= limits.softPendingBytes {
            aboveSoftLimitSince = nil
        } else if aboveSoftLimitSince == nil {
            aboveSoftLimitSince = now
        }
    }
}
