/// What a member shows of itself.
public struct Profile: Hashable, Sendable {
    /// The name to show; two members may have the same.
    public var name: [UInt8]
    /// Whatever else goes with the name.
    public var attributes: [Attribute]

    /// Composes a profile.
    public init(name: [UInt8], attributes: [Attribute] = []) {
        self.name = name
        self.attributes = attributes
    }
}
