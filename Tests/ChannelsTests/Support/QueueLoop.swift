import Channels
import Dispatch

/// A loop with a thread of its own, as carriers have them: a serial queue that drains its shard when woken.
final class QueueLoop<State>: @unchecked Sendable {
    let shard: Shard
    private let queue: DispatchQueue
    /// Touched on the queue only, which is what makes this class safe to share.
    private var state: State

    init(_ label: String, _ state: State) {
        let queue = DispatchQueue(label: label)
        self.queue = queue
        self.state = state
        shard = Shard { shard in queue.async { shard.drain() } }
    }

    /// Has the loop do something soon.
    func schedule(_ work: @escaping @Sendable (inout State, Shard) -> Void) {
        queue.async { work(&self.state, self.shard) }
    }

    /// Does something on the loop after all that was scheduled there, and waits for it.
    func run<Result>(_ work: (inout State, Shard) throws -> Result) rethrows -> Result {
        try queue.sync { try work(&state, shard) }
    }
}

/// Returns when everything that was scheduled on the loops has been done and delivered on all of them.
func settle<State>(_ loops: [QueueLoop<State>]) {
    // The first round ends what is scheduled, the second the drains that were woken by it.
    for _ in 0..<2 {
        for loop in loops { loop.run { _, _ in } }
    }
}
