import NIOCore

/// What a loop of SwiftNIO does when it has looked at its sockets once more.
///
/// Long work goes on here, in pieces. As a task it would not: the loop runs what is due, and what has become due
/// meanwhile, before it polls again, so that two pieces of work in turns keep it from its sockets. Confined to its loop's
/// thread.
final class AfterPoll {
    private let eventLoop: any EventLoop
    private var tasks: [() -> Void] = []
    /// What calls back after a poll; without it (a client, an embedded loop) a timer does.
    private var signal: PollSignal?

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Uses a signal, until it is `nil` again.
    func use(_ signal: PollSignal?) {
        self.signal?.onPoll {}
        self.signal = signal
        signal?.onPoll { [unowned self] in run() }
        if !tasks.isEmpty { ask() }
    }

    /// Runs a task after the next poll.
    func execute(_ task: @escaping () -> Void) {
        tasks.append(task)
        if tasks.count == 1 { ask() }
    }

    private func ask() {
        if let signal { return signal.raise() }
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { [self] in run() }
    }

    private func run() {
        var batch: [() -> Void] = []
        swap(&batch, &tasks)
        for task in batch { task() }
    }
}

@available(*, unavailable)
extension AfterPoll: Sendable {}
