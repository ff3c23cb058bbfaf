#if canImport(Glibc)
import Glibc
#endif

/// Gives memory back to the system after a rush.
///
/// The C library keeps what was freed between live blocks; after ten thousand connections have come and gone that can
/// be most of the process. A trim walks the free blocks of each arena: ``TrimSchedule`` says when that is worth it.
public enum MemoryTrimmer {
    private static let interval = Duration.milliseconds(500)

    /// Runs until its task is cancelled.
    public static func run() async {
        #if canImport(Glibc)
        // Swift's Glibc module does not export it.
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        let trim = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)
        keepLargeBlocksApart()
        var schedule = TrimSchedule(pages: SystemFile.pages().resident)
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            guard schedule.isDue(pages: SystemFile.pages().resident) else { continue }
            _ = trim(0)
            schedule.trimmed(pages: SystemFile.pages().resident)
        }
        #endif
    }

    #if canImport(Glibc)
    /// Blocks of 128 KiB and more come from the system and go back to it, for good: otherwise the C library puts them
    /// into its arenas once it has seen one, and of a thread's arena it gives the end back to nobody.
    private static func keepLargeBlocksApart() {
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let set = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
        let trimThreshold: Int32 = -1
        let mapThreshold: Int32 = -3
        _ = set(mapThreshold, 128 << 10)
        _ = set(trimThreshold, 128 << 10)
    }
    #endif
}
