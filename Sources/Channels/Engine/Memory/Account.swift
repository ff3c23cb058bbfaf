import Synchronization
import WebSocketCore

/// What one namespace (an app, the rooms) has of a store: how much it keeps, its histories by age, and the positions of
/// its channels that nobody uses.
///
/// Any thread, also with a channel's lock held.
final class Account: Sendable {
    let namespace: [UInt8]
    let aging = TimeQueue(.aging)
    private let positions: Lock<PositionMemory>
    private let bytes = Atomic(0)
    private let positionNumber = Atomic(0)
    /// When each ``StoreLimit`` was last reported.
    private let reports = Lock<[StoreLimit: MonotonicInstant]>([:])

    init(namespace: [UInt8], secret: KeyedHash) {
        self.namespace = namespace
        positions = Lock(PositionMemory(namespace: namespace, secret: secret))
    }

    /// What its histories and positions take.
    var keptBytes: Int { bytes.load(ordering: .relaxed) }
    /// Channels without a record whose positions are remembered.
    var positionCount: Int { positionNumber.load(ordering: .relaxed) }

    func charge(_ count: Int) { bytes.wrappingAdd(count, ordering: .relaxed) }

    /// The position that a new record of a channel begins at: the remembered one, which is forgotten here.
    func takePosition(of name: ChannelName, _ ledger: Ledger) -> Position {
        change(ledger) { $0.take(name) }
    }

    /// The position of a channel that has no record: `nil` when it is remembered, so that there must be a record again.
    func untouchedPosition(of name: ChannelName) -> Position? { positions.withLock { $0.untouched(name) } }

    /// A channel has no record from now on.
    func remember(_ position: Position, of name: ChannelName, since time: MonotonicInstant, _ ledger: Ledger) {
        change(ledger) { $0.put(position, of: name, at: time) }
    }

    /// Forgets the position that was used least recently, if that was not after `limit`; whether there was one.
    func forgetOldest(
        until limit: MonotonicInstant = MonotonicInstant(milliseconds: .max), _ ledger: Ledger
    ) -> Bool {
        change(ledger) { $0.forgetOldest(until: limit) }
    }

    /// Whether a limit is to be reported: once a second at most.
    func isNews(_ limit: StoreLimit, at now: MonotonicInstant) -> Bool {
        reports.withLock { reports in
            if let last = reports[limit], now < last.advanced(by: 1_000) { return false }
            reports[limit] = now
            return true
        }
    }

    private func change<Result: Sendable>(
        _ ledger: Ledger, _ body: (inout PositionMemory) -> Result
    ) -> Result {
        positions.withLock { positions in
            let before = positions.count
            let result = body(&positions)
            let change = positions.count - before
            if change != 0 {
                positionNumber.store(positions.count, ordering: .relaxed)
                ledger.countPositions(change, of: self)
            }
            return result
        }
    }
}
