public import WebSocketCore

/// What ``MemoryEngine``s keep, in this process's memory: the channels' logs, who is present, idempotency keys.
///
/// Several engines on one store are several nodes of one cluster, as tests and simulations need them; a server has one.
/// When the process ends everything is gone: a new store's logs have new epochs, so that whoever comes back with a
/// position of an old one is told so.
///
/// Publications are kept as their channel's ``Retention`` says and as long as ``Options/historyBudget`` allows. A channel
/// of which nothing is kept, where nobody is, still has its positions for ``Options/metaMilliseconds``, unless there are
/// more than ``Options/maximumIdleChannels`` such channels. After that its log begins anew in another epoch. It does so
/// too when an epoch's offsets are used up; sinks are then told ``ChannelSink/interrupted()``.
///
/// Any thread may use it. Each channel has a lock of its own; what concerns all channels has others that are held for a
/// few instructions.
public final class MemoryStore: Sendable {
    /// The limits.
    public let options: Options
    let clock: @Sendable () -> MonotonicInstant
    let ledger = Ledger()
    let directory = ChannelDirectory()
    let keys: Lock<IdempotencyTable>
    let leases = Lock<[NodeID: Lease]>([:])
    private let random: @Sendable () -> UInt64

    /// Creates an empty store.
    ///
    /// - Parameters:
    ///   - options: what is kept, and for how long.
    ///   - clock: the present, on any thread. Ages and leases follow it, positions never do.
    ///   - random: 64 random bits, on any thread: an epoch. It must not repeat itself.
    public init(
        options: Options = Options(),
        clock: @escaping @Sendable () -> MonotonicInstant = MemoryStore.systemClock(),
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    ) {
        self.options = options
        self.clock = clock
        self.random = random
        keys = Lock(IdempotencyTable(options: options))
    }

    /// The system's clock that never jumps, from now on.
    public static func systemClock() -> @Sendable () -> MonotonicInstant {
        let origin = ContinuousClock.now
        return {
            let (seconds, attoseconds) = (ContinuousClock.now - origin).components
            return MonotonicInstant(
                milliseconds: UInt64(max(0, seconds)) &* 1_000 &+ UInt64(max(0, attoseconds)) / 1_000_000_000_000_000)
        }
    }

    /// How many channels the store remembers, those that nobody uses included.
    public var channelCount: Int { directory.count }

    /// What all histories count for together, in bytes. Above ``Options/historyBudget`` for moments only.
    public var keptBytes: Int { ledger.keptBytes }

    /// Does something with the channel at an address, which is made if there is none.
    func use<Result: Sendable>(
        _ address: ChannelAddress, at now: MonotonicInstant, _ body: (ChannelLog, inout ChannelLog.State) -> Result
    ) -> Result {
        while true {
            let log = directory.log(at: address) {
                ChannelLog(
                    address: address, epoch: newEpoch(), presenceVersion: options.firstPresenceVersion, at: now)
            }
            if let result = log.use(at: now, ledger, body) {
                dropIdleChannels()
                return result
            }
            directory.remove(log)
        }
    }

    /// Does something with the channel at an address; `nil` when there is none.
    func useExisting<Result: Sendable>(
        _ address: ChannelAddress, at now: MonotonicInstant, _ body: (ChannelLog, inout ChannelLog.State) -> Result
    ) -> Result? {
        directory[address].flatMap { $0.use(at: now, ledger, body) }
    }

    func newEpoch() -> Epoch { Epoch(rawValue: random()) }

    /// Drops the publications that are oldest of all until the rest is within the budget.
    func evict() {
        while ledger.keptBytes > options.historyBudget, let item = ledger.aging.pop() {
            item.log.evict(from: item.time, ledger)
        }
    }

    /// Drops what has expired by now.
    func expire(at now: MonotonicInstant) {
        while let item = ledger.expiring.pop(until: now) { item.log.expire(at: now, ledger) }
        keys.withLock { $0.prune(at: now) }
        dropIdleChannels()
        let meta = options.metaMilliseconds
        guard now.milliseconds >= meta else { return }
        let limit = MonotonicInstant(milliseconds: now.milliseconds - meta)
        while let item = ledger.idle.pop(until: limit) { drop(item, ifUnusedSince: limit) }
    }

    /// Drops those channels that were used least recently of the idle ones above their number.
    private func dropIdleChannels() {
        while ledger.idle.count > options.maximumIdleChannels, let item = ledger.idle.pop() {
            drop(item, ifUnusedSince: item.time)
        }
    }

    private func drop(_ item: TimeQueue.Item, ifUnusedSince time: MonotonicInstant) {
        if item.log.rest(since: time, ledger) { directory.remove(item.log) }
    }
}
