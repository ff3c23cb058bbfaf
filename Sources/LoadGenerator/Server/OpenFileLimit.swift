#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The number of descriptors that the process may open: one a connection, and some for itself.
enum OpenFileLimit {
    /// Descriptors for everything that is no connection.
    private static let reserve = 64

    /// Raises the soft limit to the hard one where so many connections need it.
    ///
    /// - Throws: ``LoadError`` when the hard limit is too low.
    static func require(connections: Int) throws(LoadError) {
        #if os(Linux)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        let needed = rlim_t(connections + reserve)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < needed else { return }
        limit.rlim_cur = limit.rlim_max
        guard limit.rlim_max >= needed, setrlimit(resource, &limit) == 0 else {
            throw LoadError(
                "\(connections) connections need \(needed) descriptors, and this process may open \(limit.rlim_max): "
                    + "raise the limit with `ulimit -n \(needed)`, or take fewer connections.")
        }
    }
}
