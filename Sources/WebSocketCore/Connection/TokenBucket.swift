/// A rate limit that allows bursts: so many events a second, saved up to a burst.
public struct TokenBucket: Hashable, Sendable {
    private let perSecond: UInt32
    private let burst: UInt32
    /// Thousandths of a token, so that a millisecond refills `perSecond` of them.
    private var credit: UInt64
    private var refilled: MonotonicInstant

    /// A full bucket.
    ///
    /// - Parameters:
    ///   - perSecond: events a second, sustained.
    ///   - burst: events at once after a pause.
    public init(perSecond: UInt32, burst: UInt32, now: MonotonicInstant) {
        self.perSecond = perSecond
        self.burst = burst
        self.credit = UInt64(burst) * 1000
        self.refilled = now
    }

    /// Whether the bucket was full at the last ``take(now:)``: nothing had happened for a while.
    public private(set) var wasFull = true

    /// Takes one event; `false` when there is none to take.
    public mutating func take(now: MonotonicInstant) -> Bool {
        let elapsed = min(now.since(refilled), 1_000_000)  // 17 minutes refill any bucket; keeps the product small
        if elapsed > 0 {
            credit = min(UInt64(burst) * 1000, credit + elapsed * UInt64(perSecond))
            refilled = now
        }
        wasFull = credit == UInt64(burst) * 1000
        guard credit >= 1000 else { return false }
        credit -= 1000
        return true
    }
}
