#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The number of descriptors that the process may open: one a connection.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one, as far as the system lets it.
    static func raise() {
        #if os(Linux)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }
}
