import Logging
import ServiceLifecycle
import UnixSignals

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The signals that would end the process in the middle of everything, and must not: SIGHUP, until configurations can be
/// reloaded, SIGUSR1 and SIGUSR2 are ignored with a line in the log; SIGPIPE, which a closed pipe causes, without one.
///
/// When the terminal that the server was started in has been closed, SIGHUP ends it in order: nobody could press Ctrl-C.
struct SignalWatch: Service {
    private let logger: Logger
    private let signals: UnixSignalsSequence
    private let hasTerminal: Bool

    /// Takes the signals over from here on.
    init(_ logger: Logger) async {
        self.logger = logger
        signal(SIGPIPE, SIG_IGN)
        hasTerminal = Terminal.isInput
        signals = await UnixSignalsSequence(trapping: [.sighup, .sigusr1, .sigusr2])
    }

    /// Returns when the terminal has gone, or when the group of services ends.
    func run() async throws {
        for await signal in signals.cancelOnGracefulShutdown() {
            if signal == .sighup, hasTerminal, !Terminal.isInput {
                logger.notice("the terminal was closed: the server ends")
                return
            }
            logger.notice(
                "signal ignored", metadata: ["signal": "\("\(signal)".uppercased())", "cure": "stop with SIGTERM"])
        }
    }
}
