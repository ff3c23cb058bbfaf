import Synchronization

/// One node of a store: who it is, whom it tells, and whether it is alive.
final class MemoryNode: Sendable {
    enum Standing: UInt8, AtomicRepresentable, Sendable {
        case alive
        /// Its lease has ended: it has no part in anything until it ticks again.
        case suspended
        /// It was stopped, for good.
        case stopped
    }

    let id: NodeID
    let observer: (any EngineObserver)?
    private let atomicStanding = Atomic(Standing.alive)

    init(id: NodeID, observer: (any EngineObserver)?) {
        self.id = id
        self.observer = observer
    }

    /// Changed before a node's part in the channels is taken away or given back, and read with a channel's lock held
    /// before a part is added: so none comes behind the back of whoever takes them away.
    var standing: Standing {
        get { atomicStanding.load(ordering: .acquiring) }
        set { atomicStanding.store(newValue, ordering: .releasing) }
    }
}
