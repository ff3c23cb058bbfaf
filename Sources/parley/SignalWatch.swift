import Logging
import UnixSignals

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What the server does about signals: SIGTERM, SIGINT and SIGQUIT shut it down gracefully, and a second one of them ends
/// the drain delay. SIGHUP, until configurations can be reloaded, SIGUSR1 and SIGUSR2 are ignored with a line in the log;
/// SIGPIPE, which a closed pipe causes, and SIGXFSZ, which a log file of the largest size does that is allowed, without one.
///
/// When the terminal that the server was started in has been closed, SIGHUP shuts it down: nobody could press Ctrl-C.
struct SignalWatch: Sendable {
    private let logger: Logger
    private let signals: UnixSignalsSequence
    private let hasTerminal: Bool

    /// Takes the signals over from here on.
    init(_ logger: Logger) async {
        self.logger = logger
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        hasTerminal = Terminal.isInput
        signals = await UnixSignalsSequence(trapping: [.sigterm, .sigint, .sigquit, .sighup, .sigusr1, .sigusr2])
    }

    /// Follows the signals until its task is cancelled.
    ///
    /// - Parameters:
    ///   - shutDown: called at the first signal that stops the server.
    ///   - hasten: called at each further one.
    func run(shutDown: @Sendable () async -> Void, hasten: @Sendable () -> Void) async {
        var isStopping = false
        for await signal in signals {
            switch signal {
            case .sigterm, .sigint, .sigquit:
                isStopping ? hasten() : await shutDown()
                isStopping = true
            case .sighup where hasTerminal && !Terminal.isInput:
                guard !isStopping else { break }
                logger.notice("the terminal was closed: the server stops")
                await shutDown()
                isStopping = true
            case .sighup:
                ignore(signal, cure: "to read the files again, restart the server")
            default:
                ignore(signal, cure: "to stop the server, send SIGTERM")
            }
        }
    }

    private func ignore(_ signal: UnixSignal, cure: String) {
        logger.notice("signal ignored", metadata: ["signal": "\("\(signal)".uppercased())", "cure": "\(cure)"])
    }
}
