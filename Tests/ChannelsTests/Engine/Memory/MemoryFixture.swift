import Synchronization
import Testing
import WebSocketCore

@testable import Channels

/// The engine in memory: time is a number, and nothing is ever on its way.
struct MemoryFixture: EngineFixture {
    var options = MemoryStore.Options()
    var testDescription: String { "memory" }

    func makeCluster(nodes: Int) -> any EngineCluster { makeMemoryCluster(nodes: nodes) }

    func makeMemoryCluster(nodes: Int = 1) -> MemoryCluster { MemoryCluster(nodes: nodes, options) }
}

final class MemoryCluster: EngineCluster {
    let clock = ManualClock()
    let store: MemoryStore
    let engines: [MemoryEngine]
    let nodes: [EngineNode]
    let leaseMilliseconds: UInt64

    init(
        nodes: Int, _ options: MemoryStore.Options,
        onLimit: @escaping @Sendable (StoreLimit, [UInt8]) -> Void = { _, _ in }
    ) {
        let (clock, numbers) = (clock, NumberSource())
        let store = MemoryStore(
            options: options, clock: { clock.now }, random: { numbers.next() }, onLimit: onLimit)
        let observers = (0..<nodes).map { _ in ObserverRecorder() }
        let engines = observers.enumerated().map { number, observer in
            MemoryEngine(store: store, node: NodeID(rawValue: UInt64(number)), observer: observer)
        }
        self.store = store
        self.engines = engines
        self.nodes = zip(engines, observers).map { EngineNode(engine: $0, observer: $1) }
        leaseMilliseconds = options.leaseMilliseconds
    }

    func advance(by milliseconds: UInt64) { clock.advance(by: milliseconds) }
    func settle() {}

    /// The offsets that are kept of a channel, without the trimming that comes with every use.
    func kept(_ channel: ChannelAddress) -> [UInt64] {
        let page = store.directory[channel]?.use(at: MonotonicInstant(milliseconds: 0), store.ledger) { _, state in
            state.page(since: 0, limit: .max, at: MonotonicInstant(milliseconds: 0))
        }
        return page.map { $0.entries.map(\.offset) } ?? []
    }

    /// What all namespaces are charged for, counted again.
    func recount() -> Int {
        let logs = store.directory.all { _ in true }.reduce(0) { sum, log in
            sum + (log.use(at: MonotonicInstant(milliseconds: 0), store.ledger) { $1.chargedBytes } ?? 0)
        }
        return logs + store.ledger.positionCount * PositionMemory.bytesEach
    }
}

/// A clock that moves when the test says so. It begins late enough for everything to have been long ago.
final class ManualClock: Sendable {
    private let milliseconds = Atomic<UInt64>(1_000_000_000)

    var now: MonotonicInstant { MonotonicInstant(milliseconds: milliseconds.load(ordering: .relaxed)) }

    func advance(by milliseconds: UInt64) { self.milliseconds.add(milliseconds, ordering: .relaxed) }
}

/// Random numbers for all threads, the same in every run that asks in the same order.
final class NumberSource: Sendable {
    private let generator = Lock(SeededGenerator(seed: 1))

    func next() -> UInt64 { generator.withLock { $0.next() } }
}
