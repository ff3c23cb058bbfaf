/// The books of what one connection has queued and its peer has not taken: how much, and since when.
///
/// A carrier opens them when something has to wait, enters what is queued and what leaves, and asks for the verdict
/// after each entry and at the deadline. Ages are exact to a second, or to a tenth of the limit where that is more;
/// nobody is cut off too early. Nothing is allocated while nothing waits, and at most 600 bytes while something does.
///
/// A large message takes long on a slow line, and delays everything queued behind it. While one is being sent, a reader that
/// takes ``pace`` bytes within ``ConnectionLimits/maximumPendingAge`` keeps up, unless the node's budget is tight: slow
/// readers must not take it from others. While the budget is scarce, a reader with more than ``mostWhenScarce`` bytes
/// waiting has to take ``pace`` bytes a second, and a quarter of what waits.
public struct PendingOutput: Hashable, Sendable {
    /// What was queued within a short time.
    private struct Mark: Hashable, Sendable {
        var bytes: Int
        let start: MonotonicInstant
        var end: MonotonicInstant
        /// One entry of at least ``pace`` bytes; later entries join it only beyond ``maximumMarks``.
        let isLarge: Bool
    }

    /// What a reader had taken at some time.
    private struct Look: Hashable, Sendable {
        let taken: Int
        let time: MonotonicInstant
    }

    private static let maximumMarks = 16
    /// A replay of short messages has no more than this waiting.
    static let mostWhenScarce = 128 * 1024
    /// Milliseconds between two looks at a queue of more than ``mostWhenScarce``.
    private static let lookInterval: UInt64 = 1000
    /// The size in bytes from which an entry is large, and what its reader must take within the maximum age. An entry is a
    /// message, or the output of one loop iteration.
    static let pace = 64 * 1024

    /// Bytes that wait.
    public private(set) var bytes = 0
    /// Bytes of the newest entry: a single message may be larger than a limit, only what waits before it counts.
    private var newest = 0
    private var aboveSoftLimitSince: MonotonicInstant?
    /// Oldest first; together they are ``bytes``.
    private var marks: [Mark] = []
    /// When the reader last took ``pace`` bytes of a large entry, or the kernel took the last bytes of one.
    private var progress = MonotonicInstant(milliseconds: 0)
    /// All bytes that the kernel has taken from here.
    private var sent = 0
    /// How many of ``sent`` the reader had taken at ``progress``; negative if the kernel held earlier bytes. `nil` until a
    /// large entry is first judged.
    private var taken: Int?
    /// When there was a verdict last, and what the reader had taken when the budget was found scarce, or a second later.
    private var lastVerdict = MonotonicInstant(milliseconds: 0)
    private var look: Look?

    /// Books in which nothing waits.
    public init() {}

    /// Enters a message, or a part of one, that waits from now on.
    public mutating func queued(_ count: Int, _ limits: ConnectionLimits, now: MonotonicInstant) {
        guard count > 0 else { return }
        bytes += count
        newest = count
        let isLarge = count >= Self.pace
        // With the maximum number of marks the oldest one is too old already, or large: the newest entries may share one.
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
    ///   - pressure: how much of the node's budget is used.
    ///   - kernelKeeps: the bytes that the kernel still holds for the reader, 0 if unknown. It may hold megabytes, and
    ///     accepts more only after a third of them has left. Called only while a large entry is being sent or the budget is
    ///     scarce.
    public mutating func verdict(
        _ limits: ConnectionLimits, now: MonotonicInstant, pressure: OutputBudget.Pressure = .none,
        kernelKeeps: () -> Int = { 0 }
    ) -> SlowReader.Reason? {
        lastVerdict = now
        if bytes - newest > limits.maximumPendingBytes { return .hardLimit }
        if pressure == .scarce, bytes > Self.mostWhenScarce {
            if takesTooLittle(sent - kernelKeeps(), now) { return .nodeBudget }
        } else {
            look = nil
        }
        if pressure > .none, let oldest = marks.first, now.since(oldest.end) >= limits.maximumPendingAge {
            return .stalled
        }
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

    /// When to ask for the next verdict: at the deadline, and of a long queue every second, since the budget may have become
    /// scarce.
    public func nextVerdict(_ limits: ConnectionLimits) -> MonotonicInstant {
        let deadline = nextDeadline(limits)
        return bytes > Self.mostWhenScarce ? min(deadline, lastVerdict.advanced(by: Self.lookInterval)) : deadline
    }

    /// From when on the maximum age counts.
    private var waitingSince: MonotonicInstant? { marks.first.map { max($0.end, progress) } }

    private func belongs(
        _ isLarge: Bool, to mark: Mark, _ limits: ConnectionLimits, _ now: MonotonicInstant
    ) -> Bool {
        if marks.count == Self.maximumMarks { return true }
        return !isLarge && !mark.isLarge && now.since(mark.start) < max(1000, limits.maximumPendingAge / 10)
    }

    private mutating func takesTooLittle(_ taken: Int, _ now: MonotonicInstant) -> Bool {
        if let look {
            guard now.since(look.time) >= Self.lookInterval else { return false }
            if taken - look.taken < max(Self.pace, bytes / 4) { return true }
        }
        look = Look(taken: taken, time: now)
        return false
    }

    private mutating func noteProgress(_ count: Int, _ now: MonotonicInstant) {
        if let taken, count - taken < Self.pace { return }
        (progress, taken) = (now, count)
    }

    private mutating func noteSoftLimit(_ limits: ConnectionLimits, _ now: MonotonicInstant) {
        // The soft limit does not count a large entry that is being sent.
        let large = marks.first.map { $0.isLarge ? $0.bytes : 0 } ?? 0
        if bytes - large <= limits.softPendingBytes {
            aboveSoftLimitSince = nil
        } else if aboveSoftLimitSince == nil {
            aboveSoftLimitSince = now
        }
    }
}
