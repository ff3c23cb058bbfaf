/// A name with a value that people or their pages add to a profile or a message. Both are opaque here.
public struct Attribute: Hashable, Sendable {
    /// What the value is called; compared as bytes.
    public var key: [UInt8]
    /// The value.
    public var value: [UInt8]

    /// Composes an attribute.
    public init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}
