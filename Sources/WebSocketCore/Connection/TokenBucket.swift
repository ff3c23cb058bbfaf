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
        ///   - perSecond: events a second, sustained; 0 for none ever.
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

    /// Whether nothing has been taken for so long that the bucket is full.
    public func isFull(now: MonotonicInstant) -> Bool { fullAt <= Self.nanoseconds(now) }

    /// Takes one event; `false` when there is none to take.
    public mutating func take(_ rate: Rate, now: MonotonicInstant) -> Bool {
        let now = Self.nanoseconds(now)
        let (next, overflow) = max(fullAt, now).addingReportingOverflow(rate.interval)
        guard !overflow, next &- now <= rate.savings else { return false }
        fullAt = next
        return true
    }

    /// Half the range at most, which is 146 years, so that there is always room for one event more.
    private static func nanoseconds(_ instant: MonotonicInstant) -> UInt64 {
        min(instant.milliseconds, .max / 2_000_000) &* 1_000_000
    }
}
