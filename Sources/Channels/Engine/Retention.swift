/// How much of a channel is kept. What is older or more is dropped, oldest first; positions stay true.
public struct Retention: Hashable, Sendable {
    /// Publications at most. Default 100; 0 keeps none.
    public var publications: Int
    /// For so many milliseconds. Default 300,000.
    public var milliseconds: UInt64
    /// Bytes at most, see ``Publication/keptBytes``. Default 1 MiB.
    public var bytes: Int
    /// The newest publication is kept for so many milliseconds, whatever the other limits say; 0 by default. For cache
    /// channels.
    public var newestMilliseconds: UInt64

    /// Composes the limits.
    public init(
        publications: Int = 100, milliseconds: UInt64 = 300_000, bytes: Int = 1 << 20, newestMilliseconds: UInt64 = 0
    ) {
        self.publications = publications
        self.milliseconds = milliseconds
        self.bytes = bytes
        self.newestMilliseconds = newestMilliseconds
    }

    /// Keeps nothing but the positions.
    public static let none = Retention(publications: 0)
}
