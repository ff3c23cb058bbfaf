import Channels
import WebSocketCore

/// The machine that the shared store runs on: it may be lost with all that it keeps, and begin another life.
final class StoreHost {
    let scheduler: Scheduler
    let truth: Truth
    /// How often it was lost.
    private(set) var life = 0
    /// What its clock is ahead of the others, in milliseconds.
    var clockOffset: UInt64 = 0
    private let options: MemoryStore.Options
    private var random: SeededRandom
    private var store: MemoryStore?
    private var auditor: MemoryEngine?

    init(scheduler: Scheduler, truth: Truth, options: MemoryStore.Options, random: SeededRandom) {
        self.scheduler = scheduler
        self.truth = truth
        self.options = options
        self.random = random
        begin()
    }

    /// Milliseconds on the store's clock.
    var milliseconds: UInt64 { scheduler.milliseconds + clockOffset }

    /// A node's handle on the store in its present life; `nil` while it is down.
    func connect(_ node: UInt64, observer: (any EngineObserver)?) -> (any Engine)? {
        store.map { MemoryEngine(store: $0, node: NodeID(rawValue: node), observer: observer) }
    }

    /// Everything that is kept is gone, and nothing is to be had until ``begin()``.
    func crash() {
        store = nil
        auditor = nil
        truth.storeWasLost()
    }

    /// Another life begins, with nothing kept.
    func begin() {
        guard store == nil else { return }
        life = truth.life
        nonisolated(unsafe) let host = self
        var options = options
        options.firstPresenceVersion = UInt64(life) << 32
        let store = MemoryStore(
            options: options, clock: { MonotonicInstant(milliseconds: host.milliseconds) },
            random: { host.random.next() })
        self.store = store
        auditor = MemoryEngine(store: store, node: NodeID(rawValue: 0))
    }

    var isRunning: Bool { store != nil }

    /// Bytes of all histories together.
    var keptBytes: Int { store?.keptBytes ?? 0 }

    /// What is kept of a channel, asked past the network; `nil` while the store is down.
    func audit(_ address: ChannelAddress, since offset: UInt64 = 0, limit: Int = 300) -> HistoryPage? {
        Self.result { auditor?.history(address, since: offset, limit: limit, completion: $0) }
    }

    /// Who is present, asked past the network.
    func auditMembers(_ address: ChannelAddress) -> PresenceSnapshot? {
        Self.result { auditor?.members(address, completion: $0) }
    }

    /// How many are in a channel, asked past the network.
    func auditOccupancy(_ address: ChannelAddress) -> Occupancy? {
        Self.result { auditor?.occupancy(address, completion: $0) }
    }

    /// The newest publication of a channel, asked past the network.
    func auditNewest(_ address: ChannelAddress) -> HistoryPage.Entry? {
        Self.result { auditor?.newest(address, completion: $0) } ?? nil
    }

    /// The answer of an engine in this process comes before the call returns.
    private static func result<Answer: Sendable>(
        _ ask: (@escaping @Sendable (Result<Answer, EngineError>) -> Void) -> Void
    ) -> Answer? {
        nonisolated(unsafe) var answer: Answer?
        ask { answer = try? $0.get() }
        return answer
    }
}

@available(*, unavailable)
extension StoreHost: Sendable {}
