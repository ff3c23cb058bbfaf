/// The engine that keeps everything in this process's memory; one node's handle on a ``MemoryStore``.
///
/// It is lossless: completions are called before a call returns, unless the call repeats one that is under way on
/// another thread, and sinks and the observer are told before the call returns that caused it.
///
/// - Publishing fails with ``EngineError/overloaded`` when the publications together take more than
///   ``MemoryStore/Options/historyBudget``, which could not keep them, or when the namespace has too many idempotency
///   keys younger than ten minutes.
/// - A node whose lease has ended, which another node's ``tick()`` finds, loses its presence; its subscriptions do not
///   count, and its sinks are told nothing. When it ticks again, its open sinks stand for the subscriptions that they
///   have last reported, and are told ``ChannelSink/interrupted()``: then its presence must be entered again. Until then
///   ``enter(_:identity:connection:maximumMembers:completion:)`` fails with ``EngineError/unavailable``. A node that is
///   late, but was not found to be, loses nothing.
/// - A connection that enters with another identity stands for that one from then on; when the channel is full, nothing
///   changes.
/// - What happens in a channel is observed in this order: the first subscription is ``DomainEvent/occupied`` and then a
///   count, the end of the last a count and then ``DomainEvent/vacated``.
/// - After ``stop()`` everything that can fail does so with ``EngineError/unavailable``.
public final class MemoryEngine: Engine {
    /// What it keeps, together with other nodes' engines.
    public let store: MemoryStore
    let node: MemoryNode

    /// Creates a node's handle on a store.
    ///
    /// - Parameters:
    ///   - store: what is kept.
    ///   - node: the node's name. One of that name before it is over, as after ``stop()``.
    ///   - observer: told what happens through this node, and what becomes of nodes whose end it finds.
    public init(store: MemoryStore, node: NodeID = NodeID(), observer: (any EngineObserver)? = nil) {
        self.store = store
        self.node = MemoryNode(id: node, observer: observer)
        store.begin(self.node)
    }

    /// Creates the only node's handle on a store of its own.
    public convenience init(
        options: MemoryStore.Options = MemoryStore.Options(), observer: (any EngineObserver)? = nil
    ) {
        self.init(store: MemoryStore(options: options), observer: observer)
    }

    /// Always: nothing is between a sink and what it is told.
    public var isLossless: Bool { true }

    var isStopped: Bool { node.standing == .stopped }

    // An engine's other calls are in extensions, by what they are about.

    /// Renews this node's lease, ends what the others have left behind, drops what has expired.
    public func tick() {
        guard !isStopped else { return }
        let now = store.clock()
        store.renew(node, at: now)
        store.expire(at: now)
        store.evict(at: now)
    }

    /// Ends this node's part: its presence, its subscriptions and its sinks are gone, and it stays stopped.
    public func stop() { store.end(node) }
}
