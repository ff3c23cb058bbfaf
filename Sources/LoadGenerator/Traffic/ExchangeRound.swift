import NIOCore

/// Lets each of many connections send one message and have its echo, only so many of them at the same time.
///
/// Confined to its loop's thread.
final class ExchangeRound {
    private let loop: LoadLoop
    private let limit: Int
    private let done: EventLoopPromise<Void>
    private var waiting: [LoadSession]
    private var underWay = 0

    init(_ loop: LoadLoop, _ sessions: [LoadSession], concurrency: Int) {
        self.loop = loop
        limit = max(concurrency, 1)
        waiting = sessions.reversed()
        done = loop.eventLoop.makePromise(of: Void.self)
        // Answers that do not come must not hold the run up for ever.
        loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(ConnectionOpener.timeout))) { [self] in
            guard underWay > 0 || !waiting.isEmpty else { return }
            let missing = underWay + waiting.count
            loop.faults.add(count: UInt64(missing)) {
                "\(missing) connections had no echo after \(ConnectionOpener.timeout / 1000) s: "
                    + "does this path send back what it gets?"
            }
            waiting = []
            done.succeed()
        }
    }

    /// Begins.
    func start() -> EventLoopFuture<Void> {
        next()
        return done.futureResult
    }

    /// An echo is here.
    func answered() {
        underWay -= 1
        loop.run.exchanged.add(1)
        next()
    }

    /// A connection is gone; if it had not been answered, it will not be.
    func ended(_ session: LoadSession) {
        guard session.isAwaiting else { return }
        underWay -= 1
        next()
    }

    private func next() {
        loop.readClock()
        while underWay < limit, let session = waiting.popLast() {
            guard session.connection != nil else { continue }
            underWay += 1
            session.start()
        }
        if underWay == 0, waiting.isEmpty { done.succeed() }
    }
}
