import Logging
import NIOConcurrencyHelpers
import NIOCore

/// What a server under test has logged. Any thread.
final class LogRecorder: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).mapValues { $0.description }
            let line = Line(level: event.level, message: event.message.description, metadata: metadata)
            recorder.lines.withLockedValue { $0.append(line) }
        }
    }

    private let lines = NIOLockedValueBox<[Line]>([])
    private let level: Logger.Level

    init(_ level: Logger.Level = .debug) { self.level = level }

    /// The lines so far, in order.
    var all: [Line] { lines.withLockedValue { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self, logLevel: level) } }

    /// Waits for a line with this message that has a reason with these words in it; `nil` when none comes.
    func line(_ message: String, reason: String = "") async throws -> Line? {
        let deadline = ContinuousClock.now + .nanoseconds(patience.nanoseconds)
        while ContinuousClock.now < deadline {
            let found = lines.withLockedValue { lines in
                lines.first {
                    $0.message == message && (reason.isEmpty || $0.metadata["reason"]?.contains(reason) == true)
                }
            }
            if let found { return found }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }
}
