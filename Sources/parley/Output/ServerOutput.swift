import Foundation

/// What a running server prints. Nothing that it does waits for a reader, its end for one second at most.
struct ServerOutput {
    private static let pause: TimeInterval = 0.005
    private static let attempts = 200

    /// Standard error: the log, and why the server ends.
    let log = LineQueue(STDERR_FILENO)
    /// Standard output: what the operator sees once the server listens.
    let announcement = LineQueue(STDOUT_FILENO)

    /// Waits until everything has been written, for one second at most.
    func flush() {
        for _ in 0..<Self.attempts {
            if log.isIdle, announcement.isIdle { return }
            Thread.sleep(forTimeInterval: Self.pause)
        }
    }
}
