/// Where a value stands in a JSON text, and of which kind it is (RFC 8259 §3). The text itself is kept by whoever has
/// it.
public struct JSONValue: Hashable, Sendable {
    /// The kinds of values.
    public enum Kind: Hashable, Sendable {
        /// `{…}`
        case object
        /// `[…]`
        case array
        /// `"…"`
        case string
        /// A number, which has been looked at but not converted.
        case number
        /// `true`
        case `true`
        /// `false`
        case `false`
        /// `null`
        case null
    }

    /// Which kind it is.
    public let kind: Kind
    /// The bytes of the text that it takes, quotation marks and brackets included.
    public let range: Range<Int>

    init(kind: Kind, range: Range<Int>) {
        self.kind = kind
        self.range = range
    }
}
