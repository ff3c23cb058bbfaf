public import Channels

/// The reserved channels, each of one signed-in user: `#` and what the channel is for.
///
/// Clients can reach the first kind only, and only their own; the HTTP API publishes to it. Nothing that happens in any
/// of them is a ``Channels/DomainEvent`` to the outside.
public enum PusherChannelNames {
    static let serverToUserPrefix = Array("#server-to-user-".utf8)
    static let controlPrefix = Array("#user-".utf8)
    static let onlinePrefix = Array("#online-".utf8)

    /// Where events for all connections of a user are published; `nil` for no valid id.
    public static func serverToUser(_ id: some Collection<UInt8>) -> ChannelName? { name(serverToUserPrefix, id) }

    /// Where each connection of a signed-in user listens: whatever is relayed there closes it with 4009. `nil` for no
    /// valid id.
    public static func control(_ id: some Collection<UInt8>) -> ChannelName? { name(controlPrefix, id) }

    /// Where a signed-in user is present, for those who watch it; `nil` for no valid id.
    public static func online(_ id: some Collection<UInt8>) -> ChannelName? { name(onlinePrefix, id) }

    /// Whether a name is reserved.
    public static func isReserved(_ name: ChannelName) -> Bool { name.bytes.first == UInt8(ascii: "#") }

    private static func name(_ prefix: [UInt8], _ id: some Collection<UInt8>) -> ChannelName? {
        PusherUserID.isValid(id) ? ChannelName(prefix + id) : nil
    }
}
