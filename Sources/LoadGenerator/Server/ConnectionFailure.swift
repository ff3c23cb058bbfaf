import NIOCore
import NIOPosix
import WebSocketCore
import WebSocketNIO

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Why a connection could not be opened, or has ended: cause and cure in words.
enum ConnectionFailure {
    /// Words for an error of connecting.
    static func words(_ error: any Error, server: String) -> String {
        switch error {
        case let error as IOError: return words(errno: error.errnoCode, error, server)
        case let error as NIOConnectionError:
            if let last = error.connectionErrors.last { return words(last.error, server: server) }
            return "the host of \(server) is unknown: check the name."
        case let error as HandshakeFailure: return words(error, server)
        case let error as LoadError: return error.description
        default: return "\(server): \(error)."
        }
    }

    private static func words(errno number: CInt, _ error: IOError, _ server: String) -> String {
        switch number {
        case ECONNREFUSED: return "\(server) refuses connections: start the server, or check host and port."
        case ECONNRESET, EPIPE:
            return "\(server) reset the connection in the handshake: is the server at a limit? Look into its log."
        case EMFILE, ENFILE:
            return "no descriptor is left: raise the limit with `ulimit -n`, or take fewer connections."
        case EADDRNOTAVAIL:
            return "no local port is left for \(server): wait a minute for closed connections, or take fewer."
        case ENETUNREACH, EHOSTUNREACH: return "\(server) can not be reached: check the address and the network."
        case ETIMEDOUT: return "\(server) does not answer: check host and port, and firewalls on the way."
        default: return "\(server): \(error)."
        }
    }

    private static func words(_ failure: HandshakeFailure, _ server: String) -> String {
        guard let status = failure.status else {
            return "\(server): \(failure): is it a WebSocket server?"
        }
        let cure =
            switch status {
            case 401, 403: "it wants credentials or an origin, which this generator does not send."
            case 404, 405, 200..<300, 400, 426: "check the path of the URL: WebSockets may be served under another one."
            case 300..<400: "it sends clients elsewhere: give that URL."
            case 429, 503: "it is at a limit: raise it, or take fewer connections."
            default: "look into its log."
            }
        return "\(server) refused the handshake with status \(status): \(cure)"
    }

    /// What helps where messages do not come back.
    static let echoCure = """
        Give the URL of a server that sends back what it gets, EchoServer for example; a Parley server does not: measure \
        it with 'parley bench connect' or 'parley bench idle'.
        """

    /// Words for the end of an open connection.
    static func words(_ outcome: CloseOutcome, of name: String) -> String {
        let reason = outcome.reason.isEmpty ? "" : " (\(printable(outcome.reason)))"
        let cure =
            switch outcome.code {
            case .messageTooBig: "raise the server's limit on messages, or take a smaller --size."
            case .unsupportedData: "it takes no messages of this kind. \(echoCure)"
            case .policyViolation: "raise the server's limits, on messages a second for example."
            case .tryAgainLater: "it was too slow for the server, or the server is at a limit."
            case .goingAway, .serviceRestart: "the server stops."
            case .abnormalClosure: "without a close frame: look into the server's log."
            default: "look into the server's log."
            }
        return "\(name) was closed with \(outcome.code.rawValue)\(reason): \(cure)"
    }

    /// Without what would disturb a terminal.
    private static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }
        return String(String.UnicodeScalarView(scalars))
    }
}
