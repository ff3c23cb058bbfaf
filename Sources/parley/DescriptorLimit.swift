import Logging

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The number of descriptors that the process may open: one a connection.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one; what shells give by default is too little for a server.
    static func raise(_ logger: Logger) {
        #if os(Linux)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        if setrlimit(resource, &limit) != 0 {
            logger.warning("the limit on open descriptors could not be raised", metadata: ["errno": "\(errno)"])
        }
    }
}
