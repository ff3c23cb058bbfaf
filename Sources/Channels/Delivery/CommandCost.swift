/// What a message costs the loop, in points of about two microseconds.
public enum CommandCost {
    /// A change of subscriptions or members, or what all members are sent.
    public static let ofChange = 8
    /// For a channel that a connection leaves as it ends.
    public static let ofLeaving = 4
    /// Any other message.
    public static let ofMessage = 1

    /// Messages of a connection that are looked at although it waits for its turn: the peer has ended its side, and what
    /// it said before counts.
    public static let lateMessages: UInt8 = 4

    /// What it costs that `count` connections of this shard hear of it, in `bytes` bytes or a little more: as many points
    /// as an iteration has are as many bytes as it writes.
    public static func ofFanOut(_ count: Int, bytes: Int) -> Int { count >> 5 &+ (count &* bytes) >> 13 }

    /// What it costs to read a message of `bytes` bytes.
    public static func ofReading(_ bytes: Int) -> Int { bytes >> 10 }
}
