import Channels
import Synchronization

/// A loop that turns when the test says so, and counts how often it was woken.
final class ManualLoop: Sendable {
    let shard: Shard
    private let counter: WakeCounter

    private final class WakeCounter: Sendable {
        let count = Atomic(0)
    }

    init() {
        let counter = WakeCounter()
        self.counter = counter
        shard = Shard { _ in counter.count.add(1, ordering: .relaxed) }
    }

    var wakeUps: Int { counter.count.load(ordering: .relaxed) }
}
