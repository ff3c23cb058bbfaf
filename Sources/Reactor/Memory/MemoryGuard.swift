#if os(Linux)
import Glibc

/// Marks memory that nobody may touch until it is in use again.
///
/// In debug builds it is filled with a pattern, and the address sanitizer, where it is linked in, reports every access. In
/// release builds nothing of this is left.
enum MemoryGuard {
    #if DEBUG
    private typealias Mark = @Sendable @convention(c) (UnsafeRawPointer, Int) -> Void

    private static let poison = function("__asan_poison_memory_region")
    private static let unpoison = function("__asan_unpoison_memory_region")

    /// Whether the address sanitizer watches.
    static var isWatched: Bool { poison != nil }

    private static func function(_ name: String) -> Mark? {
        dlsym(nil, name).map { unsafeBitCast($0, to: Mark.self) }
    }

    static func forbid(_ base: UnsafeMutableRawPointer, count: Int) {
        guard count > 0 else { return }
        unpoison?(base, count)
        memset(base, 0xA5, count)
        poison?(base, count)
    }

    static func allow(_ base: UnsafeMutableRawPointer, count: Int) {
        if count > 0 { unpoison?(base, count) }
    }
    #else
    @inline(__always) static func forbid(_ base: UnsafeMutableRawPointer, count: Int) {}
    @inline(__always) static func allow(_ base: UnsafeMutableRawPointer, count: Int) {}
    #endif
}
#endif
