/// What a loop has counted up to a moment.
struct LoopSnapshot: Sendable {
    /// Messages that came as they should.
    var messages: UInt64
    /// Reads that brought at least one message.
    var reads: UInt64
    /// Their latencies since the snapshot before.
    var histogram: LatencyHistogram
}
