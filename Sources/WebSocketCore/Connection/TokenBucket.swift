/// A rate limit that allows bursts: so many events a second, saved up to a burst.
///
/// It remembers one number, the time at which it is full again, so that a connection's limits take 8 bytes each; what it
/// is measured against, the ``Rate``, is shared by all connections.
public struct TokenBucket: Hashable, Sendable {
    /// How fast a bucket fills, and how far.
    public struct Rate: Hashable, Sendable {
        /// Nanoseconds that one event costs.
        let interval: UInt64
        /// Nanoseconds that can be saved up.
        let savings: UInt64

        /// - Parameters:
        ///   - perSecond: events a second, sustained; 0 for none ever. Met to a nanosecond an event.
        ///   - burst: events at once after a pause.
        public init(perSecond: UInt32, burst: UInt32) {
            interval = perSecond == 0 ? .max : max(1, 1_000_000_000 / UInt64(perSecond))
            let (product, overflow) = interval.multipliedReportingOverflow(by: UInt64(burst))
            savings = overflow ? .max : product
        }
    }

    /// Nanoseconds on the clock of the caller; in the past for a bucket that is full.
    private var fullAt: UInt64 = 0

    /// A full bucket.
    public init() {}

    /// Whether there is one event to take.
    @inline(__always)
    public func has(_ rate: Rate, now: MonotonicInstant) -> Bool {
        let now = Self.nanoseconds(now)
        let (next, overflow) = max(fullAt, now).addingReportingOverflow(rate.interval)
        return !overflow && next &- now <= rate.savings
    }

    /// Takes one event; `false` when there is none to take.
    public mutating func take(_ rate: Rate, now: MonotonicInstant) -> Bool {
        let now = Self.nanoseconds(now)
        let (next, overflow) = max(fullAt, now).addingReportingOverflow(rate.interval)
        guard !overflow, next &- now <= rate.savings else { return false }
        fullAt = next
        return true
    }

    /// Takes one event that ``has(_:now:)`` has seen.
    @inline(__always)
    mutating func takeOne(_ rate: Rate, now: MonotonicInstant) {
        fullAt = max(fullAt, Self.nanoseconds(now)) &+ rate.interval
    }

    /// Takes `count` events, also those that are not there: until they are, ``has(_:now:)`` says no.
    @inline(__always)
    public mutating func charge(_ count: Int, _ rate: Rate, now: MonotonicInstant) {
        let (cost, isLarge) = UInt64(clamping: count).multipliedReportingOverflow(by: rate.interval)
        let (next, overflow) = max(fullAt, Self.nanoseconds(now)).addingReportingOverflow(cost)
        fullAt = isLarge || overflow ? .max : next
    }

    /// Puts one event back that was taken.
    public mutating func giveBack(_ rate: Rate) { fullAt = fullAt > rate.interval ? fullAt - rate.interval : 0 }

    /// Milliseconds until there is an event to take, rounded up; 0 when there is one, `UInt64.max` when there never is.
    public func wait(_ rate: Rate, now: MonotonicInstant) -> UInt64 {
        guard !has(rate, now: now) else { return 0 }
        guard rate.interval <= rate.savings else { return .max }
        // The bucket has an event when it lacks no more than the savings without it.
        let time = max(fullAt, Self.nanoseconds(now)) - Self.nanoseconds(now) - (rate.savings - rate.interval)
        return time / 1_000_000 + 1
    }

    /// Half the range at most, which is 146 years, so that there is always room for one event more.
    private static func nanoseconds(_ instant: MonotonicInstant) -> UInt64 {
        min(instant.milliseconds, .max / 2_000_000) &* 1_000_000
    }
}
