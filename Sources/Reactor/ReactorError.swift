#if os(Linux)
import Glibc
#endif

/// Why the reactor can not start.
public struct ReactorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Cause and cure.
    public let description: String

    /// ``Reactor/start(_:)`` was called twice.
    static let alreadyStarted = ReactorError(description: "the reactor has been started before")

    #if os(Linux)
    /// A call of the system that failed.
    static func system(_ call: String, errno code: Int32) -> ReactorError {
        let cure = code == EMFILE || code == ENFILE ? "; raise the limit on open descriptors (ulimit -n)" : ""
        return ReactorError(description: "\(call): \(String(cString: strerror(code)))\(cure)")
    }
    #endif
}
