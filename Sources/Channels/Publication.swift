/// One message that a member gives to a channel. What it says is opaque here.
public struct Publication: Hashable, Sendable {
    /// The member it comes from.
    public var sender: MemberCode
    /// What is said.
    public var data: [UInt8]
    /// What goes with it.
    public var attributes: [Attribute]

    /// Composes a publication.
    public init(sender: MemberCode, data: [UInt8], attributes: [Attribute] = []) {
        self.sender = sender
        self.data = data
        self.attributes = attributes
    }
}
