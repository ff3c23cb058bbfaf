import Synchronization
import WebSocketCore

/// What a store knows of all its channels together: how much is kept, what is due next, who is occupied.
///
/// Any thread, also with a channel's lock held.
final class Ledger: Sendable {
    let aging = TimeQueue(.aging)
    let expiring = TimeQueue(.expiring)
    let idle = TimeQueue(.idle)
    let occupied = OccupiedChannels()
    private let bytes = Atomic(0)

    /// What all histories count for together, and what is about to be put into them.
    var keptBytes: Int { bytes.load(ordering: .relaxed) }

    /// Sets bytes aside for publications that are about to be kept, unless there would be more than `limit` then.
    func reserve(_ count: Int, limit: Int) -> Bool {
        guard count > 0 else { return true }
        if bytes.wrappingAdd(count, ordering: .relaxed).newValue <= limit { return true }
        release(count)
        return false
    }

    /// Publications were dropped.
    func release(_ count: Int) {
        if count > 0 { bytes.wrappingSubtract(count, ordering: .relaxed) }
    }
}
