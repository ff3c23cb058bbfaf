#if os(Linux)
/// How much a loop collects and does in a tick; what is over waits for the next one.
struct LoopLimits {
    /// An answer of so many bytes does not wait for the end of the tick: at least 126, so that 16 bits tell its length.
    static let longBytes = 8 << 10
    var longBytes = Self.longBytes
    /// Bytes that are compressed in a turn; what is more is sent as it is.
    static let compressedBytes = 256 << 10
    /// Bytes of large messages and inflated bytes that an iteration handles.
    var largeBytes = 512 << 10
    /// Bytes that are collected; before more are, the loop writes.
    var arenaBytes = 4 << 20
    /// Memory that the arena begins with, and what it keeps when it was larger once, in bytes.
    var firstArenaBytes = 64 << 10
    var keptArenaBytes = 256 << 10
    /// Runs that are collected, and those whose memory is kept.
    var runs = 1 << 16
    var keptRuns = 4096
    /// References to frames for which memory is kept.
    var keptFrames = 1024
    /// Connections that are written to, tasks that are done, timers that fire.
    var writesPerTick = 512
    var tasksPerTick = 256
    var timersPerTick = 512
    /// From this many bytes on, the loop sends a connection's run rather than copy it to the end of the arena: the system
    /// call costs less, and the copy would be made again for each frame that follows.
    var copiedRunBytes = 16 << 10
    /// A run is large from this many bytes on, and may have to wait for its turn.
    var largeRunBytes = 64 << 10
    /// Bytes of large runs and backlogs that the loop sends in a tick; it finishes the last one.
    var largeWriteBytes = 8 << 20
    /// Parts of backlogs of which nothing is sent any more: those of one backlog that go at once, and those that go in a
    /// tick; about two milliseconds' work.
    var releasesAtOnce = 64
    var releasesPerTick = 16_384
}
#endif
