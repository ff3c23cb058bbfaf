#if canImport(Glibc)
import Glibc
#endif

/// Gives memory back to the system after a rush.
///
/// The C library keeps what was freed between live blocks; after ten thousand connections have come and gone that can
/// be most of the process. A trim walks the free blocks of each arena, so it is done seldom while it finds nothing, and
/// again soon after it has found something.
enum MemoryTrimmer {
    private static let shortest = Duration.seconds(4)
    private static let longest = Duration.seconds(16)

    /// Runs until its task is cancelled.
    static func run() async {
        #if canImport(Glibc)
        // Swift's Glibc module does not export it.
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        let trim = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)
        var interval = shortest
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            let before = residentPages()
            _ = trim(0)
            let isWorthIt = residentPages() < before - before / 20
            interval = isWorthIt ? shortest : min(interval + interval, longest)
        }
        #endif
    }

    #if canImport(Glibc)
    /// The second number of `/proc/self/statm`; 0 where there is none.
    private static func residentPages() -> Int {
        let descriptor = open("/proc/self/statm", O_RDONLY)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &text, text.count)
        guard count > 0 else { return 0 }
        let numbers = text[..<count].split(separator: UInt8(ascii: " "))
        return numbers.count > 1 ? Int(String(decoding: numbers[1], as: UTF8.self)) ?? 0 : 0
    }
    #endif
}
