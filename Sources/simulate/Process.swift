#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// This process.
enum Process {
    private static let variable = "SWIFT_DETERMINISTIC_HASHING"

    /// Ends it.
    static func end(with status: Int32) -> Never { exit(status) }

    /// Begins: the clock, and the process anew with hashes that are the same in every process, unless it has them. The
    /// order of a dictionary must not make two runs of a seed differ.
    static func begin() {
        _ = start
        guard getenv(variable) == nil else { return }
        setenv(variable, "1", 1)
        var arguments = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        // It returns only when it could not be done; then at least this process is consistent.
        execv("/proc/self/exe", &arguments)
    }

    /// Prints a line at once, also into a file or a pipe.
    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Seconds on the clock that never jumps.
    static var seconds: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    private static let start = ContinuousClock.now
}
