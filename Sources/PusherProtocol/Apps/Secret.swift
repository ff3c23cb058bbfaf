/// A text that no log, description, dump or encoder shows: what an app signs with.
///
/// ``revealed`` is the one way to the text. `print`, string interpolation, `dump`, `Mirror` and debuggers' descriptions
/// of a value, and of everything that contains one, show ``placeholder``. It cannot be encoded.
public struct Secret: Hashable, Sendable {
    /// What is shown instead.
    public static let placeholder = "<secret>"

    /// The text itself, for signing and for the one place that stores it.
    public let revealed: String

    /// Keeps a text.
    public init(_ text: String) { revealed = text }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The placeholder.
    public var description: String { Self.placeholder }

    /// The placeholder.
    public var debugDescription: String { Self.placeholder }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:] as KeyValuePairs<String, Any>) }
}

extension Secret: ExpressibleByStringInterpolation {
    /// Keeps a literal.
    public init(stringLiteral text: String) { self.init(text) }
}
