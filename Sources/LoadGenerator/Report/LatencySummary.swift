/// Percentiles of latencies, in nanoseconds.
public struct LatencySummary: Hashable, Sendable {
    /// Half of all are not above it.
    public let p50: UInt64
    /// Nine of ten are not above it.
    public let p90: UInt64
    /// 99 of 100 are not above it.
    public let p99: UInt64
    /// 999 of 1,000 are not above it.
    public let p999: UInt64
    /// The longest.
    public let max: UInt64
}
