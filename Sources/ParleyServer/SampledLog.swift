import Logging
import NIOConcurrencyHelpers

/// Warnings about something that others can make happen as often as they like: at most ten lines a second, then one that
/// says how many more there were. Any thread.
final class SampledLog: Sendable {
    /// Lines a second.
    static let linesPerSecond = 10

    private struct State {
        var total = 0
        var lines = 0
        var omitted = 0
        var isWithinSecond = false
    }

    private let message: Logger.Message
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    /// - Parameter message: what has happened, once.
    init(_ message: Logger.Message, _ logger: Logger) {
        self.message = message
        self.logger = logger
    }

    /// It has happened once more; the line says so with `count`, how often since the start.
    func warn(_ metadata: @autoclosure () -> Logger.Metadata) {
        let (total, isFirst) = state.withLockedValue { state -> (Int?, Bool) in
            let isFirst = !state.isWithinSecond
            state.isWithinSecond = true
            state.total += 1
            guard state.lines < Self.linesPerSecond else {
                state.omitted += 1
                return (nil, isFirst)
            }
            state.lines += 1
            return (state.total, isFirst)
        }
        if let total { logger.warning(message, metadata: metadata().merging(["count": "\(total)"]) { $1 }) }
        guard isFirst else { return }
        Task {
            try? await Task.sleep(for: .seconds(1))
            endSecond()
        }
    }

    private func endSecond() {
        let (omitted, total) = state.withLockedValue { state in
            defer {
                state.lines = 0
                state.omitted = 0
                state.isWithinSecond = false
            }
            return (state.omitted, state.total)
        }
        guard omitted > 0 else { return }
        logger.warning(message, metadata: ["omitted": "\(omitted) more within a second", "count": "\(total)"])
    }
}
