import Channels

/// All rooms of a server: their channels, and the protocol that is spoken there. Any thread.
public final class Rooms: Sendable {
    let hub: ChannelHub
    let encoder: RoomEncoder
    let options: RoomOptions

    /// Creates the rooms; each comes with its first member and goes with its last.
    ///
    /// - Parameters:
    ///   - options: what an operator can choose.
    ///   - clock: the present time in the server's time zone; asked once per push, on any thread.
    public init(options: RoomOptions = RoomOptions(), clock: @escaping @Sendable () -> CivilTime) {
        self.options = options
        encoder = RoomEncoder(leftType: options.leftType, clock: clock)
        hub = ChannelHub(encoder: encoder, maximumMembers: options.maximumMembers)
    }

    /// How many rooms there are, each with at least one member.
    public var count: Int { hub.channelCount }
}
