import Synchronization

extension ChannelLog {
    /// Where a channel stands in each ``TimeQueue``. Each number is the affair of its queue, read and written with that
    /// queue's lock held.
    struct Places: ~Copyable, Sendable {
        /// Not in the queue.
        static let none = -1

        private let aging = Atomic<Int32>(-1)
        private let expiring = Atomic<Int32>(-1)
        private let idle = Atomic<Int32>(-1)

        subscript(kind: TimeQueue.Kind) -> Int {
            get {
                switch kind {
                case .aging: Int(aging.load(ordering: .relaxed))
                case .expiring: Int(expiring.load(ordering: .relaxed))
                case .idle: Int(idle.load(ordering: .relaxed))
                }
            }
            nonmutating set {
                // No process has 2^31 channels.
                let place = Int32(truncatingIfNeeded: newValue)
                switch kind {
                case .aging: aging.store(place, ordering: .relaxed)
                case .expiring: expiring.store(place, ordering: .relaxed)
                case .idle: idle.store(place, ordering: .relaxed)
                }
            }
        }
    }
}
