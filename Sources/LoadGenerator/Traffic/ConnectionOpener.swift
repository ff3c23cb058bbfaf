import NIOCore
import WebSocketCore
import WebSocketNIO

/// Opens the connections of a loop, only so many of them at the same time.
///
/// Confined to its loop's thread.
final class ConnectionOpener {
    /// Milliseconds after which no more connections are opened.
    static let timeout: UInt64 = 120_000

    private let loop: LoadLoop
    private var rest: StrideTo<Int>.Iterator
    private let limit: Int
    private let done: EventLoopPromise<UInt64>
    private var underWay = 0
    private var isFinished = false
    private var isStarting = false
    private var hasGivenUp = false
    private var deadline: Scheduled<Void>?

    /// - Parameters:
    ///   - numbers: of the connections that the loop carries.
    ///   - concurrency: how many may be under way.
    init(_ loop: LoadLoop, _ numbers: StrideTo<Int>, concurrency: Int) {
        self.loop = loop
        rest = numbers.makeIterator()
        limit = max(concurrency, 1)
        done = loop.eventLoop.makePromise(of: UInt64.self)
    }

    /// Begins.
    ///
    /// - Returns: when the last one was open, or had failed, in nanoseconds of the run.
    func start() -> EventLoopFuture<UInt64> {
        let timeout = TimeAmount.milliseconds(Int64(Self.timeout))
        deadline = loop.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [self] in
            loop.faults.add {
                "after \(Self.timeout / 1000) s connections were still not open: the server accepts too slowly, "
                    + "or not at all; take fewer, or look into its log."
            }
            underWay = 0
            giveUp()
        }
        startMore()
        return done.futureResult
    }

    /// One that was under way is open, has ended or has failed.
    func slotIsFree() {
        underWay = max(0, underWay - 1)
        startMore()
    }

    private func giveUp() {
        hasGivenUp = true
        startMore()
    }

    private func startMore() {
        // A connection can fail at once, which leads here again: the outer call goes on.
        guard !isStarting, !isFinished else { return }
        isStarting = true
        while !hasGivenUp, underWay < limit, let number = rest.next() {
            underWay += 1
            start(number)
        }
        isStarting = false
        if underWay == 0 {
            isFinished = true
            deadline?.cancel()
            done.succeed(loop.run.clock)
        }
    }

    private func start(_ number: Int) {
        let run = loop.run
        let target = number < run.plan.connections ? run.target : run.publishTarget
        let source = run.sources.map { $0[number % $0.count] }
        let startedAt = run.clock
        let loop = NIOLoopBound(loop, eventLoop: loop.eventLoop)
        run.client.connect(to: target.url, at: target.address, from: source, on: loop.eventLoop) { _ in
            loop.value.makeSession(number, startedAt: startedAt)
        }.assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success:
                if run.plan.work != .connect { slotIsFree() }  // there it is free when the connection is closed
            case .failure(let error):
                failed(error, target)
            }
        }
    }

    private func failed(_ error: any Error, _ target: RunContext.Target) {
        let run = loop.run
        guard !isFinished else { return }
        run.faults.add { ConnectionFailure.words(error, server: target.url.hostHeader) }
        // Where the first ones fail, all of them will.
        if run.opened.value == 0 { hasGivenUp = true }
        slotIsFree()
    }
}

@available(*, unavailable)
extension ConnectionOpener: Sendable {}
