/// One life of one node: from its start until it is killed.
///
/// What happens on it is an event of its own. While it is paused, nothing of it runs: its events wait, and come in their
/// order when it goes on. Nothing ever happens again on one that was killed.
final class SimulatedProcess {
    /// The node's place in the cluster, from 0; the same in all its lives.
    let index: Int
    var isAlive = true
    var isPaused = false
    /// What its clock is ahead of the others, in milliseconds.
    var clockOffset: UInt64 = 0
    var postponed: [Scheduler.Event] = []

    init(index: Int) { self.index = index }
}

@available(*, unavailable)
extension SimulatedProcess: Sendable {}
