import WebSocketCore

/// The connections of a shard that wait until it is their turn to have done what they ask for.
///
/// What one message asks for may cost as much as some hundred deliveries, and one segment holds a thousand. So what is
/// done has a cost in points, see ``CommandCost``: an iteration of the loop does ``ShardWork/maximumPoints``, and where
/// several connections want more, ``pointsInTurn`` of each before it is another one's turn. Confined to its shard's
/// thread.
struct CommandTurns {
    /// Of one connection before it is another one's turn.
    static let pointsInTurn: UInt8 = 64
    /// In each iteration, however much else it does.
    static let leastPoints = 128

    private var waiting = WaitingLine<Subscriber>()

    var isEmpty: Bool { waiting.isEmpty }

    mutating func append(_ subscriber: Subscriber) { waiting.append(subscriber) }

    mutating func popFirst() -> Subscriber? { waiting.popFirst() }
}

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

    /// What it costs that `count` connections of this shard hear of it.
    public static func ofFanOut(_ count: Int) -> Int { count >> 5 }

    /// What it costs to read a message of `bytes` bytes.
    public static func ofReading(_ bytes: Int) -> Int { bytes >> 10 }
}

/// What a connection has had done in an iteration of its loop; a part of the connection.
public struct CommandTurn {
    private var iteration: UInt16 = 0
    private var points: UInt8 = 0

    /// Nothing so far.
    public init() {}

    /// Counts a cost; whether the connection has had a turn's worth in that iteration.
    mutating func takes(_ cost: Int, in current: UInt16) -> Bool {
        if iteration != current { (iteration, points) = (current, 0) }
        points = UInt8(clamping: min(cost, Int(UInt8.max)) + Int(points))
        return points >= CommandTurns.pointsInTurn
    }
}

@available(*, unavailable)
extension CommandTurns: Sendable {}
@available(*, unavailable)
extension CommandTurn: Sendable {}
