import Testing

@testable import LoadGenerator

@Suite("Latencies", .timeLimit(.minutes(5)))
struct LatencyHistogramTests {
    @Test("Without a latency there is no summary")
    func empty() {
        #expect(LatencyHistogram().summary == nil)
    }

    @Test("Percentiles are right to three digits")
    func percentiles() throws {
        var histogram = LatencyHistogram()
        for microseconds in 1...10_000 { histogram.record(UInt64(microseconds) * 1000) }
        let summary = try #require(histogram.summary)
        let expected: [(UInt64, Double)] = [
            (summary.p50, 5e6), (summary.p90, 9e6), (summary.p99, 9.9e6), (summary.p999, 9.99e6),
        ]
        for (value, exact) in expected { #expect(abs(Double(value) - exact) <= exact / 1000) }
        #expect(summary.max == 10_000_000)
    }

    @Test("Several loops make one histogram")
    func add() throws {
        var sum = LatencyHistogram()
        var other = LatencyHistogram()
        sum.record(1000)
        other.record(3_000_000)
        sum.add(other)
        #expect(try #require(sum.summary).max == 3_000_000)
        sum.reset()
        #expect(sum.summary == nil)
    }

    @Test("A latency beyond the end counts as the longest", arguments: [UInt64.max, 3_600_000_000_001])
    func clamped(_ nanoseconds: UInt64) throws {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds)
        #expect(try #require(histogram.summary).max == 3_600_000_000_000)
    }
}
