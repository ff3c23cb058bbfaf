import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The course of one run: connect, warm up, measure, wait for the rest, close.
struct LoadRun: Sendable {
    private let context: RunContext
    private let loops: [NIOLoopBound<LoadLoop>]
    private let meter: ServerMeter?
    private let progress: @Sendable (LoadProgress) -> Void

    init(
        _ context: RunContext, _ loops: [NIOLoopBound<LoadLoop>], _ meter: ServerMeter?,
        _ progress: @escaping @Sendable (LoadProgress) -> Void
    ) {
        self.context = context
        self.loops = loops
        self.meter = meter
        self.progress = progress
    }

    private var plan: LoadPlan { context.plan }

    /// Makes the run.
    func run() async throws -> LoadReport {
        var report = LoadReport(plan: plan)
        report.memoryBefore = meter?.memory
        try await connect(&report)
        switch plan.work {
        case .echo: try await measure(&report)
        case .fanOut:
            try await preparePublishers()
            try await measure(&report)
        case .idle: try await hold(&report)
        case .connect: break
        }
        progress(.finishing)
        report.errors = context.faults.count
        report.gaps = context.faults.gaps
        report.faults = context.faults.described
        report.undescribed = context.faults.undescribed
        for future in loops.map({ loop in loop.eventLoop.flatSubmit { loop.value.close() } }) { try await future.get() }
        _ = try await onEach { $0.clear() }
        return report
    }

    // MARK: - Connecting

    private func connect(_ report: inout LoadReport) async throws {
        let all = plan.totalConnections
        let concurrency = (plan.concurrency + loops.count - 1) / loops.count
        let processorTime = meter?.processorTime
        let begin = context.clock
        let openings = loops.enumerated().map { number, loop in
            loop.eventLoop.flatSubmit {
                loop.value.openConnections(
                    stride(from: number, to: all, by: loops.count), concurrency: concurrency)
            }
        }
        var end = begin
        try await showing({ .connecting(context.opened.value, of: all) }) {
            for opening in openings { end = max(end, try await opening.get()) }
        }
        report.opened = context.opened.value
        report.connectSeconds = Double(end - begin) / 1e9
        report.connectProcessorTime = used(since: processorTime)
        guard report.opened > 0 else { throw nothingLeft("no connection could be opened") }
        if plan.work == .connect { report.latency = try await onEach { $0.snapshot() }.total.histogram.summary }
    }

    /// Tells all loops who publishes and to how many.
    private func preparePublishers() async throws {
        let subscribers = context.open.value
        let publishers = try await onEach { $0.ownPublishers() }.joined().sorted { $0.number < $1.number }
        guard publishers.count == plan.publishers, subscribers > 0 else {
            throw nothingLeft("\(publishers.count) publishers and \(subscribers) subscribers could connect")
        }
        let sessions = publishers.map(\.session)
        _ = try await onEach { $0.prepare(publishers: sessions, subscribers: subscribers) }
        // A server may still be entering the last subscribers when their handshake is over.
        try await Task.sleep(for: .milliseconds(100))
    }

    // MARK: - Echo and fan-out

    private func measure(_ report: inout LoadReport) async throws {
        _ = try await onEach { $0.startSending() }
        try await pass(plan.warmUp) { _ in .warmingUp }
        let processorTime = meter?.processorTime
        let ownProcessorTime = Self.ownProcessorTime
        let before = try await onEach { $0.snapshot() }.total
        let begin = context.clock
        try await pass(plan.seconds) { .measuring($0, of: plan.seconds) }
        let after = try await onEach { $0.snapshot() }.total
        report.measuredSeconds = Double(context.clock - begin) / 1e9
        report.processorTime = used(since: processorTime)
        report.ownProcessorTime = Self.ownProcessorTime - ownProcessorTime
        report.messages = after.messages - before.messages
        report.reads = after.reads - before.reads
        report.latency = after.histogram.summary
        report.memoryAfter = meter?.memory
        try await finish(&report)
    }

    /// Sends nothing more and waits for what is under way.
    private func finish(_ report: inout LoadReport) async throws {
        progress(.finishing)
        _ = try await onEach { $0.stopSending() }
        let deadline = context.clock + UInt64(plan.patience * 1e9)
        var missing = try await onEach { $0.outstanding }.reduce(0, +)
        while missing > 0, context.clock < deadline, isAlive {
            try await Task.sleep(for: .milliseconds(20))
            missing = try await onEach { $0.outstanding }.reduce(0, +)
        }
        report.published = try await onEach { $0.published }.reduce(0, +)
        report.total = try await onEach { $0.snapshot() }.total.messages
        guard missing > 0 else { return }
        let cause =
            switch (report.total, plan.work) {
            case (0, .fanOut): "does what is sent to \(plan.publishURL ?? plan.url) reach who connects to \(plan.url)?"
            case (0, _): "does \(plan.url) send back what it gets? \(ConnectionFailure.echoCure)"
            default: "the server lost them, or took longer than \(Figure.short(plan.patience)) s."
            }
        context.faults.add(count: UInt64(missing)) { "\(missing) messages never arrived: \(cause)" }
    }

    /// Lets time pass in the work; ends early when nobody is left.
    private func pass(_ seconds: Double, _ step: (Double) -> LoadProgress) async throws {
        let begin = context.clock
        var shownAt: UInt64?
        while true {
            let now = context.clock
            let passed = Double(now - begin) / 1e9
            guard passed < seconds else { return }
            guard isAlive else { throw nothingLeft("all connections were lost") }
            if shownAt.map({ now - $0 >= 250_000_000 }) ?? true {
                shownAt = now
                progress(step(passed))
            }
            try await Task.sleep(for: .seconds(min(seconds - passed, 0.1)))
        }
    }

    private var isAlive: Bool {
        context.open.value > 0
            && (plan.work != .fanOut || context.openPublishers.value > 0)
    }

    // MARK: - Idle

    private func hold(_ report: inout LoadReport) async throws {
        if plan.exchanges {
            let concurrency = (plan.concurrency + loops.count - 1) / loops.count
            let rounds = loops.map { loop in
                loop.eventLoop.flatSubmit { loop.value.exchangeOnce(concurrency: concurrency) }
            }
            try await showing({ .exchanging(context.exchanged.value, of: plan.connections) }) {
                for round in rounds { try await round.get() }
            }
            report.total = UInt64(context.exchanged.value)
        }
        let processorTime = meter?.processorTime
        try await pass(plan.hold) { .holding($0, of: plan.hold) }
        report.processorTime = used(since: processorTime)
        report.memoryAfter = meter?.memory
        report.held = context.open.value
    }

    // MARK: - Helpers

    private func onEach<T: Sendable>(_ body: @escaping @Sendable (LoadLoop) -> T) async throws -> [T] {
        let futures = loops.map { loop in loop.eventLoop.submit { body(loop.value) } }
        var results: [T] = []
        for future in futures { results.append(try await future.get()) }
        return results
    }

    /// Tells the progress now and then until `body` is over.
    private func showing(
        _ step: @escaping @Sendable () -> LoadProgress, _ body: () async throws -> Void
    ) async throws {
        progress(step())
        let ticker = Task { [progress] in
            while true {
                do { try await Task.sleep(for: .milliseconds(250)) } catch { return }
                progress(step())
            }
        }
        let result: Result<Void, any Error>
        do {
            try await body()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        ticker.cancel()
        await ticker.value
        try result.get()
        progress(step())
    }

    private func nothingLeft(_ what: String) -> LoadError {
        LoadError("\(what). \(context.faults.described.first ?? "Look into the server's log.")")
    }

    /// What the server has used since then; `nil` when it is not known.
    private func used(since earlier: UInt64?) -> UInt64? {
        guard let earlier, let now = meter?.processorTime else { return nil }
        return now > earlier ? now - earlier : 0
    }

    /// Processor time of this process in nanoseconds.
    private static var ownProcessorTime: UInt64 {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

extension [LoopSnapshot] {
    /// All loops together.
    fileprivate var total: LoopSnapshot {
        reduce(into: LoopSnapshot(messages: 0, reads: 0, histogram: LatencyHistogram())) { sum, loop in
            sum.messages += loop.messages
            sum.reads += loop.reads
            sum.histogram.add(loop.histogram)
        }
    }
}
