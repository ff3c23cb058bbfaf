import LoadGenerator
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Shows how far a run is on standard error: one line that is rewritten on a terminal; elsewhere a line at each phase and
/// every few seconds.
final class ProgressDisplay: Sendable {
    private struct State {
        var phase = ""
        var shownAt = ContinuousClock.now
        var isEnded = false
    }

    private static let interval = Duration.seconds(5)

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let state = Mutex(State())

    /// Shows a step.
    func show(_ progress: LoadProgress) {
        state.withLock { state in
            guard !state.isEnded else { return }
            if isTerminal {
                put("\r\u{1B}[K\(progress)")
                return
            }
            let now = ContinuousClock.now
            guard progress.phase != state.phase || now - state.shownAt >= Self.interval else { return }
            state.phase = progress.phase
            state.shownAt = now
            put("\(progress)\n")
        }
    }

    /// Takes the line away; nothing is shown any more.
    func end() {
        state.withLock { state in
            guard !state.isEnded else { return }
            state.isEnded = true
            if isTerminal { put("\r\u{1B}[K") }
        }
    }

    private func put(_ text: String) {
        // A line of progress that does not get out is not worth another attempt.
        _ = Array(text.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
