#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The descriptors of this process: every connection takes one.
enum Descriptors {
    /// What is kept back for everything else: files, the engine's connections, a hand-over under way.
    static let reserve = 64

    /// How many connections may still be opened, 1 at least; `nil` where the system does not say.
    static func roomForConnections() -> Int? {
        guard let limit, let open else { return nil }
        return max(1, limit - open - reserve)
    }

    /// The process's own limit (`ulimit -n`).
    private static var limit: Int? {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many are open.
    private static var open: Int? {
        guard let directory = opendir("/dev/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return max(0, count - 3)  // ".", ".." and the directory itself
    }
}
