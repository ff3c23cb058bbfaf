/// A part of a channel's log, read at one moment.
public struct HistoryPage: Sendable {
    /// A publication with its offset.
    public struct Entry: Sendable {
        /// The number in ``HistoryPage/top``'s epoch.
        public let offset: UInt64
        /// What was published; without the connection that was left out.
        public let publication: Publication
        /// How old it is, in milliseconds.
        public let age: UInt64

        /// Composes an entry.
        public init(offset: UInt64, publication: Publication, age: UInt64) {
            self.offset = offset
            self.publication = publication
            self.age = age
        }
    }

    /// Kept publications in rising order, without holes, from the first that was asked for and is kept.
    public let entries: [Entry]
    /// The last position of the log, whether kept or not.
    public let top: Position
    /// The first offset that is kept; `top.offset + 1` when none is.
    public let oldest: UInt64

    /// Composes a page.
    public init(entries: [Entry], top: Position, oldest: UInt64) {
        self.entries = entries
        self.top = top
        self.oldest = oldest
    }
}
