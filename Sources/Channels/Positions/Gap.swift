/// The publications that a subscriber has missed for good: everything from ``from`` to ``to``, both included.
public struct Gap: Hashable, Sendable {
    /// The first offset that is not delivered.
    public let from: UInt64
    /// The last offset that is not delivered; live ones follow it.
    public let to: UInt64
    /// The first offset that is still kept and can be read with a history call; `to + 1` when none of them is.
    public let oldest: UInt64

    /// Composes a gap.
    public init(from: UInt64, to: UInt64, oldest: UInt64) {
        self.from = from
        self.to = to
        self.oldest = oldest
    }
}
