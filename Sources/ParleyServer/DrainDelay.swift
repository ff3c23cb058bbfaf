/// The time in which a server that is about to stop listens on. Any thread.
final class DrainDelay: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(of: Void.self) }

    /// Ends the time, also before it has begun.
    func end() { continuation.finish() }

    /// Waits for a duration, for ``end()``, or for the task to be cancelled; once.
    func wait(_ duration: Duration) async {
        let alarm = Task {
            try? await Task.sleep(for: duration)
            continuation.finish()
        }
        for await _ in stream {}
        alarm.cancel()
    }
}
