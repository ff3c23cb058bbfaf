import Channels
import WebSocketCore

/// Which channels have been reported a moment ago, so that they are not reported again.
struct QuietTable: Sendable {
    /// More than these are reported without being remembered: then some come twice, and the table keeps its size.
    static let capacity = 10_000

    private let interval: UInt64
    private var until: [ChannelName: MonotonicInstant] = [:]

    init(interval: UInt64) { self.interval = interval }

    /// Whether the channel is to be reported.
    mutating func take(_ channel: ChannelName, now: MonotonicInstant) -> Bool {
        if let end = until[channel], now < end { return false }
        if until.count < Self.capacity { until[channel] = now.advanced(by: interval) }
        return true
    }

    /// Drops what does not count any more.
    mutating func forget(now: MonotonicInstant) {
        guard !until.isEmpty else { return }
        until = until.filter { now < $0.value }
    }
}
