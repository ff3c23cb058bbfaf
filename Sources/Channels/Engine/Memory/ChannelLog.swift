import WebSocketCore

/// One channel of a store: its log, and who has to do with it.
///
/// Its lock gives everything that happens in the channel one order; sinks and observers are told with the lock held, in
/// that order. The locks of the ``Ledger`` are inner to it; no two channels' locks are ever held at once.
final class ChannelLog: Sendable {
    let address: ChannelAddress
    /// The store's; the account's queue holds this log, so it is not held here.
    unowned let account: Account
    let places = Places()
    private let state: Lock<State>

    /// A log that keeps nothing, and goes on from a position.
    init(
        address: ChannelAddress, account: Account, position: Position, presenceVersion: UInt64 = 0,
        at now: MonotonicInstant
    ) {
        self.address = address
        self.account = account
        state = Lock(State(position: position, presence: PresenceList(version: presenceVersion), touched: now))
    }

    /// What a record takes besides what it keeps: itself, its name, its slots in the directory and in the queues.
    var recordBytes: Int { Self.fixedBytes &+ HeapBytes.array(address.name.bytes) }

    private static let fixedBytes =
        HeapBytes.block(MemoryLayout<State>.stride + MemoryLayout<Places>.stride + 64) + 48 + 2 * 24

    /// Runs `body` alone with the channel, and keeps the ledger's books up to date; `nil` when the channel has been
    /// dropped, and there is perhaps another one at its address.
    func use<Result: Sendable>(
        at now: MonotonicInstant, _ ledger: Ledger, _ body: (ChannelLog, inout State) -> Result
    ) -> Result? {
        state.withLock { state in
            guard !state.isGone else { return nil }
            state.touched = max(state.touched, now)
            state.trim(at: now)
            let result = body(self, &state)
            state.settle(self, ledger)
            return result
        }
    }

    /// The channel was taken out of the queue of those with something to drop by age: drops that, or says when.
    func expire(at now: MonotonicInstant, _ ledger: Ledger) {
        state.withLock { state in
            guard !state.isGone else { return }
            state.due = nil
            state.trim(at: now)
            state.settle(self, ledger)
        }
    }

    /// The channel was taken out of the queue by age because the store keeps too much: drops the oldest publication if
    /// that is as old as was thought.
    func evict(from time: MonotonicInstant, _ ledger: Ledger) {
        state.withLock { state in
            guard !state.isGone else { return }
            state.isAging = false
            state.evict(from: time)
            state.settle(self, ledger)
        }
    }

    /// The channel was taken out of the queue by age: whether it keeps so little that it goes back there, as if it were
    /// young.
    func isSpared(below bytes: Int, at now: MonotonicInstant) -> Bool {
        state.withLock { state in
            guard !state.isGone, state.isAging, state.chargedBytes < bytes else { return false }
            account.aging.set(self, to: now)
            return true
        }
    }

    /// The channel was taken out of the queue of idle ones: whether its record is dropped, which it is if nobody has
    /// used it since `time`. Its position is remembered then, if anything was published.
    func rest(since time: MonotonicInstant, _ ledger: Ledger) -> Bool {
        state.withLock { state in
            guard !state.isGone else { return false }
            state.isResting = false
            if state.isIdle, state.touched <= time {
                state.isGone = true
                ledger.dropped(presenceVersion: state.presence.version)
                if state.position.offset > 0 {
                    account.remember(state.position, of: address.name, since: state.touched, ledger)
                }
                return true
            }
            state.settle(self, ledger)
            return false
        }
    }

    /// How many are here at this moment.
    var occupancy: Occupancy { state.withLock { $0.occupancy } }

    /// Whether a node has a sink or somebody present here.
    func involves(_ node: NodeID) -> Bool {
        state.withLock { $0.sinks.involves(node) || $0.presence.involves(node) }
    }
}
