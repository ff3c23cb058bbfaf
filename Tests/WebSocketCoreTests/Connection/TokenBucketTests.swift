import Testing
import WebSocketCore

@Suite("The rate limit")
struct TokenBucketTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    /// A full bucket and how fast it fills.
    private struct Limit {
        var bucket = TokenBucket()
        let rate: TokenBucket.Rate

        init(perSecond: UInt32, burst: UInt32) { rate = TokenBucket.Rate(perSecond: perSecond, burst: burst) }

        /// How many of `wanted` events are let through at one moment.
        mutating func take(_ wanted: Int, at milliseconds: UInt64) -> Int {
            var taken = 0
            for _ in 0..<wanted where bucket.take(rate, now: MonotonicInstant(milliseconds: milliseconds)) {
                taken += 1
            }
            return taken
        }
    }

    @Test("A full bucket gives its burst at once and no more")
    func burst() {
        var limit = Limit(perSecond: 10, burst: 20)
        #expect(limit.bucket.isFull(now: at(5)))
        #expect(limit.take(100, at: 5) == 20)
        #expect(!limit.bucket.isFull(now: at(5)))
    }

    @Test("An empty bucket fills with the rate, to the millisecond")
    func refill() {
        var limit = Limit(perSecond: 10, burst: 20)
        #expect(limit.take(20, at: 0) == 20)
        #expect(limit.take(5, at: 99) == 0)
        #expect(limit.take(5, at: 100) == 1)
        #expect(limit.take(5, at: 350) == 2)
        #expect(limit.take(5, at: 400) == 1)
    }

    @Test("A pause fills the bucket to its burst and no further, and that is told")
    func pause() {
        var limit = Limit(perSecond: 10, burst: 20)
        #expect(limit.take(20, at: 0) == 20)
        #expect(!limit.bucket.isFull(now: at(1_999)))
        #expect(limit.take(1, at: 1_999) == 1)
        #expect(limit.bucket.isFull(now: at(2_100)))
        #expect(limit.take(100, at: 1_000_000_000) == 20)
    }

    @Test("The largest numbers and a clock that goes back are no trap")
    func extremes() {
        var largest = Limit(perSecond: .max, burst: .max)
        #expect(largest.take(10, at: .max) == 10)
        #expect(largest.take(10, at: .max) == 10)
        #expect(largest.take(10, at: 0) == 0)
        var never = Limit(perSecond: 0, burst: 0)
        #expect(never.take(10, at: .max) == 0)
        var backwards = Limit(perSecond: 10, burst: 1)
        #expect(backwards.take(2, at: 1_000) == 1)
        #expect(backwards.take(2, at: 0) == 0)
        #expect(backwards.take(1, at: 1_050) == 0)
        #expect(backwards.take(1, at: 1_100) == 1)
    }
}
