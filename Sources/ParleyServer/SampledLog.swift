import Logging
import NIOConcurrencyHelpers

/// Log lines about something that others can make happen as often as they like. Any thread.
///
/// Each reason gets at most ``linesPerReason`` lines a second and all together ``linesPerSecond``; at the end of that
/// second one line for each reason tells how many more there were. So a flood for one reason hides no other.
final class SampledLog: Sendable {
    /// Lines a second for one reason.
    static let linesPerReason = 10
    /// Lines a second for all reasons.
    static let linesPerSecond = 50
    /// Reasons that are told apart within a second; those beyond share a line.
    static let maximumReasons = 64

    fileprivate struct Tally {
        var level: Logger.Level
        var lines = 0
        var omitted = 0
    }

    fileprivate struct State {
        var total = 0
        var lines = 0
        var reasons: [String: Tally] = [:]
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
    ///
    /// - Parameters:
    ///   - reason: why; of our own words, or escaped here.
    ///   - metadata: more for the line; asked for only when there is one.
    func report(
        _ level: Logger.Level = .warning, reason: String, _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        guard logger.logLevel <= level else { return }
        let (total, isFirst) = state.withLockedValue { state in state.note(reason, level) }
        if let total {
            let all = metadata().merging(["reason": "\(LogText.escaped(reason))", "count": "\(total)"]) { $1 }
            logger.log(level: level, message, metadata: all)
        }
        guard isFirst else { return }
        Task {
            try? await Task.sleep(for: .seconds(1))
            endSecond()
        }
    }

    private func endSecond() {
        let (reasons, total) = state.withLockedValue { state in
            defer {
                state.lines = 0
                state.reasons = [:]
            }
            return (state.reasons, state.total)
        }
        for (reason, tally) in reasons where tally.omitted > 0 {
            logger.log(
                level: tally.level, message,
                metadata: [
                    "reason": "\(LogText.escaped(reason))", "omitted": "\(tally.omitted) more within a second",
                    "count": "\(total)",
                ])
        }
    }
}

extension SampledLog.State {
    /// Counts one; answers how many there were when it gets a line, and whether it is the first of a second.
    fileprivate mutating func note(_ reason: String, _ level: Logger.Level) -> (total: Int?, isFirst: Bool) {
        let isFirst = reasons.isEmpty
        let key = reasons[reason] != nil || reasons.count < SampledLog.maximumReasons ? reason : "other reasons"
        total += 1
        var tally = reasons[key] ?? SampledLog.Tally(level: level)
        defer { reasons[key] = tally }
        guard tally.lines < SampledLog.linesPerReason, lines < SampledLog.linesPerSecond else {
            tally.omitted += 1
            return (nil, isFirst)
        }
        tally.lines += 1
        lines += 1
        return (total, isFirst)
    }
}
