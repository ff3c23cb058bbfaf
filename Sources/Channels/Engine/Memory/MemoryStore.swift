public import WebSocketCore

/// What ``MemoryEngine``s keep, in this process's memory: the channels' logs, who is present, idempotency keys.
///
/// Several engines on one store are several nodes of one cluster, as tests and simulations need them; a server has one.
/// When the process ends everything is gone: a new store's logs have new epochs, so that whoever comes back with a
/// position of an old one is told so.
///
/// Publications are kept as their channel's ``Retention`` says and as long as ``Options/historyBudget`` allows. Each
/// namespace has an equal share of the budget that no other can take: it may borrow what others leave unused, and is the
/// first to give it back. A channel of which nothing is kept, where nobody is, still has its position for
/// ``Options/metaMilliseconds``, if anything was ever published there and its namespace's share of
/// ``Options/maximumIdleChannels`` allows. After that its log begins again in another epoch. It does so too when an
/// epoch's offsets are used up; sinks are then told ``ChannelSink/interrupted()``. A channel in which nothing was ever
/// published costs nothing once it is empty, and keeps its epoch.
///
/// Any thread may use it. Each channel has a lock of its own; what concerns all channels has others that are held for a
/// few instructions.
public final class MemoryStore: Sendable {
    /// The limits.
    public let options: Options
    let clock: @Sendable () -> MonotonicInstant
    let ledger: Ledger
    let directory = ChannelDirectory()
    let keys: Lock<IdempotencyTable>
    let leases = Lock<[NodeID: Lease]>([:])
    private let random: @Sendable () -> UInt64
    private let onLimit: @Sendable (StoreLimit, [UInt8]) -> Void

    /// Creates an empty store.
    ///
    /// - Parameters:
    ///   - options: what is kept, and for how long.
    ///   - clock: the present, on any thread. Ages and leases follow it, positions never do.
    ///   - random: 64 random bits, on any thread: epochs are made of them. It must not repeat itself.
    ///   - onLimit: told which limit a namespace has met, at most once a second for each; any thread, it must not block
    ///     and not call the store.
    public init(
        options: Options = Options(),
        clock: @escaping @Sendable () -> MonotonicInstant = MemoryStore.systemClock(),
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) },
        onLimit: @escaping @Sendable (StoreLimit, [UInt8]) -> Void = { _, _ in }
    ) {
        self.options = options
        self.clock = clock
        self.random = random
        self.onLimit = onLimit
        ledger = Ledger(
            namespaces: options.namespaces, secret: KeyedHash(key: SIMD2(random(), random())))
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
    public var channelCount: Int { directory.count + ledger.positionCount }

    /// What all histories and remembered positions take together, in bytes of the allocator. Above
    /// ``Options/historyBudget`` for moments only, by one request of each thread that publishes.
    public var keptBytes: Int { ledger.keptBytes }

    /// What the histories and remembered positions of one namespace take, in bytes of the allocator.
    public func keptBytes(of namespace: [UInt8]) -> Int { ledger.account(of: namespace).keptBytes }

    /// Does something with the channel at an address, which is made if there is none.
    func use<Result: Sendable>(
        _ address: ChannelAddress, at now: MonotonicInstant, _ body: (ChannelLog, inout ChannelLog.State) -> Result
    ) -> Result {
        while true {
            let log = directory.log(at: address) {
                let account = ledger.account(of: address.namespace)
                return ChannelLog(
                    address: address, account: account, position: account.takePosition(of: address.name, ledger),
                    presenceVersion: max(options.firstPresenceVersion, ledger.presenceVersion), at: now)
            }
            if let result = log.use(at: now, ledger, body) {
                if ledger.idle.count > options.maximumIdleRecords { restOldest(at: now) }
                return result
            }
            directory.remove(log)
        }
    }

    /// The position of a channel in which nothing was ever published and that nobody uses: it needs no record. `nil` for
    /// any other.
    func untouchedPosition(of address: ChannelAddress) -> Position? {
        guard directory[address] == nil else { return nil }
        return ledger.account(of: address.namespace).untouchedPosition(of: address.name)
    }

    /// Does something with the channel at an address; `nil` when there is none.
    func useExisting<Result: Sendable>(
        _ address: ChannelAddress, at now: MonotonicInstant, _ body: (ChannelLog, inout ChannelLog.State) -> Result
    ) -> Result? {
        directory[address].flatMap { $0.use(at: now, ledger, body) }
    }

    func newEpoch() -> Epoch { Epoch(rawValue: random()) }

    /// Channels that one eviction looks at in vain at most.
    private static let maximumSpared = 64

    /// Drops what is oldest of the namespace that is most above its share until everything is within the budget. A
    /// channel that keeps less than half of an equal part of what its namespace keeps is spared, so that one that keeps
    /// much does not push out what is older elsewhere.
    func evict(at now: MonotonicInstant) {
        var spared = 0
        while ledger.keptBytes > options.historyBudget,
            let account = ledger.largestAccount({ $0.keptBytes })
        {
            let isAboveShareOfPositions = account.positionCount > options.maximumPositions / ledger.accountCount
            if isAboveShareOfPositions, account.forgetOldest(ledger) {
                report(.positions, account, at: now)
            } else if let item = account.aging.pop() {
                let share = account.keptBytes / (account.aging.count + 1)
                if spared < Self.maximumSpared, item.log.isSpared(below: share / 2, at: now) {
                    spared += 1
                    continue
                }
                item.log.evict(from: item.time, ledger)
                report(.history, account, at: now)
            } else if account.forgetOldest(ledger) {
                report(.positions, account, at: now)
            } else {
                // Another thread is about to put in what is counted already, and goes on here afterwards.
                return
            }
        }
    }

    /// Drops what has expired by now.
    func expire(at now: MonotonicInstant) {
        while let item = ledger.expiring.pop(until: now) { item.log.expire(at: now, ledger) }
        keys.withLock { $0.prune(at: now) }
        restIdleChannels(at: now)
        let meta = options.metaMilliseconds
        guard now.milliseconds >= meta else { return }
        let limit = MonotonicInstant(milliseconds: now.milliseconds - meta)
        ledger.forEachAccount { account in while account.forgetOldest(until: limit, ledger) {} }
    }

    /// Reports that a namespace has met a limit.
    func report(_ limit: StoreLimit, _ account: Account, at now: MonotonicInstant) {
        if account.isNews(limit, at: now) { onLimit(limit, account.namespace) }
    }

    /// Drops the records of channels that nobody has used for a second; their positions are remembered without.
    private func restIdleChannels(at now: MonotonicInstant) {
        let rest = Options.restMilliseconds
        let limit = MonotonicInstant(milliseconds: now.milliseconds - min(now.milliseconds, rest))
        while let item = ledger.idle.pop(until: limit) { drop(item, ifUnusedSince: limit) }
        forgetPositions(at: now)
    }

    /// Drops the records that were used least recently, above their number.
    private func restOldest(at now: MonotonicInstant) {
        while ledger.idle.count > options.maximumIdleRecords, let item = ledger.idle.pop() {
            drop(item, ifUnusedSince: item.time)
        }
        forgetPositions(at: now)
    }

    private func drop(_ item: TimeQueue.Item, ifUnusedSince time: MonotonicInstant) {
        if item.log.rest(since: time, ledger) { directory.remove(item.log) }
    }

    /// Forgets the positions that are oldest of the namespace that is most above its share, until there are not too many.
    private func forgetPositions(at now: MonotonicInstant) {
        while ledger.positionCount > options.maximumPositions,
            let account = ledger.largestAccount({ $0.positionCount }),
            account.forgetOldest(ledger)
        {
            report(.positions, account, at: now)
        }
    }
}
