import ParleyServer

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The number of descriptors that the process may open: one a connection.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one; what shells give by default is too little for a server. Ends the process
    /// with a line that says why when even that leaves nothing for connections.
    ///
    /// - Returns: the number of files that the process may open now.
    static func raise() -> Int {
        #if os(Linux)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return .max }
        if limit.rlim_cur < limit.rlim_max {
            let soft = limit.rlim_cur
            limit.rlim_cur = limit.rlim_max
            if setrlimit(resource, &limit) != 0 { limit.rlim_cur = soft }
        }
        // What each processor's loops take, what is kept back for files and the like, and some connections.
        let needed = 8 * ProcessorLimit.count + 112
        guard limit.rlim_cur < rlim_t(needed) else { return Int(clamping: limit.rlim_cur) }
        StandardError.print(
            """
            parley: this process may open \(limit.rlim_cur) files, and needs \(needed): every connection is one. Raise \
            the limit (ulimit -n, LimitNOFILE= of its unit, the container's limit of open files).
            """)
        // EX_OSERR
        exit(71)
    }
}
