import Histogram

/// Latencies in nanoseconds with three significant digits, up to an hour: an HDR histogram.
struct LatencyHistogram: Sendable {
    private static let highest: UInt64 = 3_600_000_000_000

    private var histogram = Histogram<UInt64>(
        lowestDiscernibleValue: 64, highestTrackableValue: highest, numberOfSignificantValueDigits: .three)

    /// Counts a latency.
    mutating func record(_ nanoseconds: UInt64) { histogram.record(min(nanoseconds, Self.highest)) }

    /// Takes over what another one has counted.
    mutating func add(_ other: LatencyHistogram) { histogram.add(other.histogram) }

    /// Forgets everything.
    mutating func reset() { histogram.reset() }

    /// The figures; `nil` when nothing was counted.
    var summary: LatencySummary? {
        guard histogram.totalCount > 0 else { return nil }
        let most = histogram.maxRecorded
        func percentile(_ percent: Double) -> UInt64 { min(histogram.valueAtPercentile(percent), most) }
        return LatencySummary(
            p50: percentile(50), p90: percentile(90), p99: percentile(99), p999: percentile(99.9), max: most)
    }
}
