import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Why the server can not start, in one line for the operator.
public struct ParleyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Cause and cure.
    public let description: String
    /// Whether it is in the configuration: starting again does not help.
    public let isConfiguration: Bool

    private init(description: String, isConfiguration: Bool = false) {
        self.description = description
        self.isConfiguration = isConfiguration
    }

    /// An option has a value that makes no sense.
    public static func invalidOption(_ words: String) -> ParleyError {
        ParleyError(description: words, isConfiguration: true)
    }

    /// The reactor can not start.
    public static func noCarrier(_ cause: any Error) -> ParleyError {
        ParleyError(description: "the loops for connections can not start: \(cause)")
    }

    /// The address can not be listened on.
    public static func cannotListen(host: String, port: Int, cause: any Error) -> ParleyError {
        let words: String
        switch (cause as? IOError)?.errnoCode {
        case EADDRINUSE:
            words = "port \(port) is in use: stop the program that has it, or choose another with --port"
        case EACCES:
            words = "no permission to listen on port \(port): choose a port from 1024 on with --port"
        case EADDRNOTAVAIL:
            words = "\(host) is not an address of this machine: choose another host (--host)"
        default:
            words =
                cause is SocketAddressError || cause is SocketAddressError.UnknownHost
                ? "the host \(host) is unknown: give an address of this machine (--host)"
                : "can not listen on \(host):\(port): \(cause)"
        }
        return ParleyError(description: words)
    }
}
