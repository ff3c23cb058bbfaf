/// What waits on a shard for the subscribers of one hub. Its fields are the shard's thread's only.
final class DeliveryLoad: Sendable {
    /// So many iterations' work of one hub may wait before its gate closes; less when many hubs have something waiting.
    private static let mostIterations = 4

    private let gate: DeliveryGate?
    /// In deliveries, see ``ShardWork/cost(ofDeliveries:bytes:)``.
    nonisolated(unsafe) private(set) var cost = 0
    /// Whether it is among those that the shard looks at.
    nonisolated(unsafe) var isListed = false
    nonisolated(unsafe) private var wasBehind = false

    init(_ gate: DeliveryGate?) { self.gate = gate }

    func add(_ cost: Int) { self.cost &+= cost }

    func remove(_ cost: Int) {
        assert(cost <= self.cost, "more is delivered than waited")
        self.cost &-= cost
    }

    /// Ends an iteration; whether the gate has something for the next one.
    ///
    /// - Parameter count: how many hubs have something waiting on the shard.
    func endIteration(_ count: Int) -> Bool {
        guard let gate else { return false }
        let most = max(
            ShardWork.maximumDeliveries / 4, ShardWork.maximumDeliveries &* Self.mostIterations / max(1, count))
        let isBehind = cost > most
        defer { wasBehind = isBehind }
        return gate.drained(isBehind: isBehind, wasBehind: wasBehind)
    }
}
