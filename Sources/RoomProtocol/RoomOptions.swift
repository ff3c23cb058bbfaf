public import Channels

/// What an operator can choose about rooms.
public struct RoomOptions: Hashable, Sendable {
    /// How a push says that a member left: the value of its `type`.
    public enum LeftType: String, CaseIterable, Hashable, Sendable {
        /// What the tutorial's server sends, and most pages wait for.
        case rmove
        /// What some pages wait for.
        case remove
    }

    /// How a push says that a member left. ``LeftType/rmove`` by default.
    public var leftType = LeftType.rmove
    /// How many members a room has at most: 1,000 by default, at least 1.
    public var maximumMembers = 1_000
    /// How many bytes of JSON a text that is said may become: 4 MiB by default.
    ///
    /// Escaping makes up to nine bytes out of one. A push longer than what may be pending for a reader would cut off
    /// everyone in the room, so this should be at most that limit; a longer text is refused to its sender.
    public var maximumSaidBytes = 4 << 20
    /// How much of what is said to all a room keeps, for pages that ask: 100 messages, for 24 hours, 8 MiB of them by
    /// default. ``Channels/Retention/none`` keeps nothing.
    ///
    /// Pages send pictures as texts, so the bytes should be at least ``maximumSaidBytes`` and a KiB for what goes with
    /// a text: a larger message could not be kept, and would be a gap to everyone who was away.
    public var retention = Retention(publications: 100, milliseconds: 86_400_000, bytes: 8 << 20)

    /// The defaults.
    public init() {}
}
