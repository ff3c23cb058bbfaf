import ParleyServer

#if canImport(Musl)
import Musl
#elseif canImport(Glibc)
import Glibc
#endif

/// The number of threads that the process may have.
enum ThreadLimit {
    /// How many threads a server has: one of the runtime, of SwiftNIO, of the reactor and of the HTTP API for each
    /// processor, and some that there is one of.
    static let needed = 4 * ProcessorLimit.count + 8

    /// Ends the process with a line that says why when it may not have the threads that it is going to need. Swift's
    /// runtime waits for its threads for ever, without a word.
    static func check() {
        #if os(Linux)
        guard let (count, error) = missing(of: needed) else { return }
        StandardError.print(
            """
            parley: this process may have \(count) threads, and needs \(needed): \(String(cString: strerror(error))). \
            Give it more threads (ulimit -u, TasksMax= of its unit, the container's pids limit) or more memory \
            (ulimit -v).
            """)
        // EX_OSERR
        exit(71)
        #endif
    }

    #if os(Linux)
    /// How many threads there can be when it is not all of them, and why not.
    private static func missing(of needed: Int) -> (count: Int, error: Int32)? {
        // Freed below, when every thread that waits on it has ended.
        let end = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(end, 0, 0)
        var threads: [pthread_t] = []
        defer {
            for _ in threads { sem_post(end) }
            for thread in threads { pthread_join(thread, nil) }
            sem_destroy(end)
            end.deallocate()
        }
        for count in 0..<needed {
            var thread = pthread_t()
            let error = pthread_create(
                &thread, nil,
                { end in
                    while let end, sem_wait(end.assumingMemoryBound(to: sem_t.self)) != 0, errno == EINTR {}
                    return nil
                }, end)
            guard error == 0 else { return (count, error) }
            threads.append(thread)
        }
        return nil
    }
    #endif
}
