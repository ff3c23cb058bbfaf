extension MemoryStore {
    /// What a store keeps at most, and for how long. A limit of 0 is an error of the caller's.
    public struct Options: Sendable {
        /// What the histories of all channels may count for together, in bytes, see ``Publication/keptBytes``; above it
        /// the oldest publications of all go first, whatever their channels' retention says. Default 256 MiB.
        public var historyBudget: Int
        /// For so many milliseconds the positions of a channel that nobody uses are remembered. Default 24 hours.
        public var metaMilliseconds: UInt64
        /// The positions of so many channels that nobody uses are remembered at most; above it those go first that were
        /// used least recently. Default 1,000,000.
        public var maximumIdleChannels: Int
        /// Idempotency keys that are remembered at most. Default 1,000,000.
        public var maximumKeys: Int
        /// What the idempotency keys may count for together, in bytes: of keys, fingerprints and positions, and 256 for
        /// each key. Default 512 MiB.
        public var keyBudget: Int
        /// For so many milliseconds an idempotency key is remembered. Default 24 hours.
        public var keyMilliseconds: UInt64
        /// For so many milliseconds an idempotency key is remembered even when there are too many. Default 10 minutes.
        public var minimumKeyMilliseconds: UInt64
        /// For so many milliseconds after its last tick a node counts as alive. Default 30 s.
        public var leaseMilliseconds: UInt64
        /// The largest offset of an epoch. For tests, which do not live to see the real one.
        var maximumOffset = Position.maximumOffset
        /// What versions of presence begin above. For simulations, where a store comes after one that was lost.
        package var firstPresenceVersion: UInt64 = 0

        /// Composes the limits.
        public init(
            historyBudget: Int = 256 << 20, metaMilliseconds: UInt64 = 86_400_000, maximumIdleChannels: Int = 1_000_000,
            maximumKeys: Int = 1_000_000, keyBudget: Int = 512 << 20, keyMilliseconds: UInt64 = 86_400_000,
            minimumKeyMilliseconds: UInt64 = 600_000, leaseMilliseconds: UInt64 = 30_000
        ) {
            self.historyBudget = historyBudget
            self.metaMilliseconds = metaMilliseconds
            self.maximumIdleChannels = maximumIdleChannels
            self.maximumKeys = maximumKeys
            self.keyBudget = keyBudget
            self.keyMilliseconds = keyMilliseconds
            self.minimumKeyMilliseconds = minimumKeyMilliseconds
            self.leaseMilliseconds = leaseMilliseconds
        }
    }
}
