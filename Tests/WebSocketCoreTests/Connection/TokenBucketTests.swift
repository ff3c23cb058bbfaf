import Testing
import WebSocketCore

@Suite("The rate limit")
struct TokenBucketTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    /// How many of `wanted` events are let through at one moment.
    private func take(_ wanted: Int, _ bucket: inout TokenBucket, _ milliseconds: UInt64) -> Int {
        var taken = 0
        for _ in 0..<wanted where bucket.take(now: at(milliseconds)) { taken += 1 }
        return taken
    }

    @Test("A full bucket gives its burst at once and no more")
    func burst() {
        var bucket = TokenBucket(perSecond: 10, burst: 20, now: at(5))
        #expect(bucket.wasFull)
        #expect(take(100, &bucket, 5) == 20)
        #expect(!bucket.wasFull)
    }

    @Test("An empty bucket fills with the rate, to the millisecond")
    func refill() {
        var bucket = TokenBucket(perSecond: 10, burst: 20, now: at(0))
        #expect(take(20, &bucket, 0) == 20)
        #expect(take(5, &bucket, 99) == 0)
        #expect(take(5, &bucket, 100) == 1)
        #expect(take(5, &bucket, 350) == 2)
        #expect(take(5, &bucket, 400) == 1)
    }

    @Test("A pause fills the bucket to its burst and no further, and that is told")
    func pause() {
        var bucket = TokenBucket(perSecond: 10, burst: 20, now: at(0))
        #expect(take(20, &bucket, 0) == 20)
        #expect(take(1, &bucket, 1_999) == 1)
        #expect(!bucket.wasFull)
        #expect(take(1, &bucket, 2_100) == 1)
        #expect(bucket.wasFull)
        #expect(take(100, &bucket, 1_000_000_000) == 20)
    }

    @Test("The largest numbers and a clock that goes back are no trap")
    func extremes() {
        var largest = TokenBucket(perSecond: .max, burst: .max, now: at(0))
        #expect(take(10, &largest, .max) == 10)
        #expect(take(10, &largest, 0) == 10)
        #expect(take(10, &largest, .max) == 10)
        var never = TokenBucket(perSecond: 0, burst: 0, now: at(0))
        #expect(take(10, &never, .max) == 0)
        var backwards = TokenBucket(perSecond: 10, burst: 1, now: at(1_000))
        #expect(take(2, &backwards, 0) == 1)
        #expect(take(1, &backwards, 1_050) == 0)
        #expect(take(1, &backwards, 1_100) == 1)
    }
}
