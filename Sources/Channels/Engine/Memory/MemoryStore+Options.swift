extension MemoryStore {
    /// What a store keeps at most, and for how long. A limit of 0 is an error of the caller's.
    public struct Options: Sendable {
        /// What the histories of all channels and the positions of those that nobody uses may take together, in bytes of
        /// the allocator: of what was published and of what surrounds it. Above it what is oldest of the namespace that
        /// has most goes first, whatever its channels' retention says. Default 256 MiB.
        public var historyBudget: Int
        /// For so many milliseconds the position of a channel that nobody uses is remembered. Default 24 hours.
        public var metaMilliseconds: UInt64
        /// The positions of so many channels that nobody uses are remembered at most, and in not more than a quarter of
        /// ``historyBudget``; above it those of the namespace that has most go first that were used least recently.
        /// Default 1,000,000.
        public var maximumIdleChannels: Int
        /// Idempotency keys that are remembered at most. Half of them is divided into equal shares of the namespaces, the
        /// other half is for all. Default 1,000,000.
        public var maximumKeys: Int
        /// What the idempotency keys may take together, in bytes: keys, fingerprints and positions, and 352 for each key;
        /// shared as ``maximumKeys`` is. Default 512 MiB.
        public var keyBudget: Int
        /// The namespaces that have a share from the beginning; any other gets one with its first channel or key. Default
        /// none.
        public var namespaces: [[UInt8]] = []
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

        /// A record of a channel that nobody uses is kept for so long, in case that it is used again.
        static let restMilliseconds: UInt64 = 1_000
        /// Such records at most.
        var maximumIdleRecords: Int { min(1_024, maximumIdleChannels / 2) }
        /// Positions without a record at most.
        var maximumPositions: Int {
            max(1, min(maximumIdleChannels - maximumIdleRecords, historyBudget / 4 / PositionMemory.bytesEach))
        }

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
