import Testing
import WebSocketCore

@Suite("The rate limit", .timeLimit(.minutes(5)))
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
        #expect(limit.bucket.has(limit.rate, now: at(5)))
        #expect(limit.take(100, at: 5) == 20)
        #expect(!limit.bucket.has(limit.rate, now: at(5)))
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

    @Test("A pause fills the bucket to its burst and no further")
    func pause() {
        var limit = Limit(perSecond: 10, burst: 20)
        #expect(limit.take(20, at: 0) == 20)
        #expect(limit.take(1, at: 1_999) == 1)
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

    @Test("What is charged beyond what is there has to come back before there is something to take")
    func debt() {
        let rate = TokenBucket.Rate(perSecond: 10, burst: 20)
        var bucket = TokenBucket()
        let start = MonotonicInstant(milliseconds: 5_000)
        bucket.charge(19, rate, now: start)
        #expect(bucket.has(rate, now: start) && bucket.wait(rate, now: start) == 0)
        bucket.charge(6, rate, now: start)  // five more than there are
        #expect(!bucket.has(rate, now: start))
        #expect(bucket.wait(rate, now: start) == 601)
        #expect(!bucket.has(rate, now: MonotonicInstant(milliseconds: 5_599)))
        #expect(bucket.has(rate, now: MonotonicInstant(milliseconds: 5_601)))
        bucket.charge(.max, rate, now: start)
        #expect(!bucket.has(rate, now: MonotonicInstant(milliseconds: .max)))
    }

    @Test("What is given back can be taken again, and a full bucket stays full")
    func giveBack() {
        let rate = TokenBucket.Rate(perSecond: 1, burst: 2)
        var bucket = TokenBucket()
        bucket.giveBack(rate)
        let now = MonotonicInstant(milliseconds: 0)
        #expect((0..<3).map { _ in bucket.take(rate, now: now) } == [true, true, false])
        bucket.giveBack(rate)
        #expect((0..<2).map { _ in bucket.take(rate, now: now) } == [true, false])
        #expect(TokenBucket().wait(TokenBucket.Rate(perSecond: 0, burst: 0), now: now) == .max)
    }
}
