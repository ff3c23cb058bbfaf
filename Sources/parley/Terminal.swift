#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The terminal that a person has started the program in.
enum Terminal {
    /// Whether a person reads what is printed and can type: not under a service manager, in a container or a script.
    static var isThere: Bool { isInput && (isatty(STDOUT_FILENO) == 1 || isatty(STDERR_FILENO) == 1) }

    /// Whether standard input is a terminal that is still open.
    static var isInput: Bool { isatty(STDIN_FILENO) == 1 }
}
