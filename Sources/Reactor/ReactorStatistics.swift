#if os(Linux)
/// What a reactor's loops have done so far.
public struct ReactorStatistics: Hashable, Sendable {
    /// Turns of the loops.
    public var ticks = 0
    /// Events that the kernel has reported.
    public var events = 0
    /// Calls of `recv`.
    public var reads = 0
    /// Calls of `send` and `writev`.
    public var writes = 0
    /// How often another thread had to wake a loop.
    public var wakeUps = 0
    /// Connections that are open.
    public var connections = 0
    /// Readers that were cut off because they did not keep up.
    public var slowReaders = 0
    /// How often a socket was not read for a moment because its peer sent faster than it may.
    public var holds = 0
    /// The most parts of backlogs that were let go of in one tick, of connections that had ended or were cut off.
    public var mostReleases = 0
    /// The most bytes of large messages and inflated bytes in one iteration.
    public var mostLargeBytes = 0
    /// The most bytes of large frames and of what waited for slow readers that were sent in one tick.
    public var mostLargeBytesSent = 0
    /// The most events that were taken in one tick.
    public var mostEvents = 0
    /// The most bytes that were read from a connection in one tick.
    public var largestRead = 0
    /// The longest that a loop was away from its events, in microseconds.
    public var longestTickMicroseconds = 0

    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.ticks &+= right.ticks
        sum.events &+= right.events
        sum.reads &+= right.reads
        sum.writes &+= right.writes
        sum.wakeUps &+= right.wakeUps
        sum.connections &+= right.connections
        sum.slowReaders &+= right.slowReaders
        sum.holds &+= right.holds
        sum.mostReleases = max(left.mostReleases, right.mostReleases)
        sum.mostLargeBytes = max(left.mostLargeBytes, right.mostLargeBytes)
        sum.mostLargeBytesSent = max(left.mostLargeBytesSent, right.mostLargeBytesSent)
        sum.mostEvents = max(left.mostEvents, right.mostEvents)
        sum.largestRead = max(left.largestRead, right.largestRead)
        sum.longestTickMicroseconds = max(left.longestTickMicroseconds, right.longestTickMicroseconds)
        return sum
    }
}
#endif
