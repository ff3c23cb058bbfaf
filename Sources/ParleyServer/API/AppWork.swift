import Foundation
import WebSocketCore

/// Work of the HTTP API, done on threads of its own where the apps take turns.
///
/// A batch, a compressed body or a long history takes milliseconds, and one app may have hundreds of them on the way. A
/// publication of another app waits for one of each app, not for all of them, and the threads that read requests and write
/// answers wait for none. Grows with what waits: the bound is the caller's, one request for each connection of the API. Any
/// thread.
final class AppWork: Sendable {
    private struct State {
        /// Those of the queues that have nothing to do.
        var idle: [DispatchQueue]
        var lines = OwnerLines<@Sendable () -> Void>()
    }

    private let state: Lock<State>

    /// - Parameter threads: pieces of work that are done at the same time.
    init(threads: Int, label: String) {
        // Only a serial queue has a thread that it shares with no task: a concurrent one waits for its turn behind them.
        state = Lock(State(idle: (0..<threads).map { _ in DispatchQueue(label: label) }))
    }

    /// Has work of an app done when it is its turn; that of one app begins in its order.
    func add(_ app: Int, _ work: @escaping @Sendable () -> Void) {
        let queue = state.withLock { state in
            state.lines.append(work, of: app)
            return state.idle.popLast()
        }
        queue?.async { [self] in workOff(queue) }
    }

    private func workOff(_ queue: DispatchQueue?) {
        while let work = next(of: queue) { work() }
    }

    private func next(of queue: DispatchQueue?) -> (@Sendable () -> Void)? {
        state.withLock { state in
            let work = state.lines.popFirst()
            if work == nil, let queue { state.idle.append(queue) }
            return work
        }
    }
}
