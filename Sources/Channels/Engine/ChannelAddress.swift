/// A channel in the cluster: its name, and the namespace (an application, the room) that the name belongs to.
public struct ChannelAddress: Hashable, Sendable {
    /// Keeps the channels of applications apart; UTF-8, compared as bytes.
    public let namespace: [UInt8]
    /// The name within the namespace.
    public let name: ChannelName

    /// Composes an address.
    public init(namespace: [UInt8], name: ChannelName) {
        self.namespace = namespace
        self.name = name
    }
}
