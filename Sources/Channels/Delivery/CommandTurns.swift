import WebSocketCore

/// The connections of a shard that wait until it is their turn to have done what they ask for.
///
/// What one message asks for may cost as much as some hundred deliveries, and one segment holds a thousand. So what is
/// done has a cost in points, see ``CommandCost``: an iteration of the loop does ``ShardWork/maximumPoints``, and where
/// several connections want more, ``pointsInTurn`` of each before it is another one's turn. Those that have wanted less
/// than that wait in a line of their own, which has half of an iteration: a hundred connections that want as much as they
/// get do not make one wait that wants something now and then. Confined to its shard's thread.
struct CommandTurns {
    /// Of one connection before it is another one's turn.
    static let pointsInTurn: UInt8 = 64
    /// In each iteration, however much else it does.
    static let leastPoints = 128

    private var modest = WaitingLine<Subscriber>()
    private var others = WaitingLine<Subscriber>()

    var isEmpty: Bool { modest.isEmpty && others.isEmpty }

    mutating func append(_ subscriber: Subscriber, isModest: Bool) {
        if isModest { modest.append(subscriber) } else { others.append(subscriber) }
    }

    /// The next one.
    ///
    /// - Parameter prefersModest: whether those that want little come first.
    mutating func popFirst(prefersModest: Bool) -> Subscriber? {
        prefersModest ? modest.popFirst() ?? others.popFirst() : others.popFirst() ?? modest.popFirst()
    }
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

    /// What it costs that `count` connections of this shard hear of it, in `bytes` bytes or a little more: as many points
    /// as an iteration has are as many bytes as it writes.
    public static func ofFanOut(_ count: Int, bytes: Int) -> Int { count >> 5 &+ (count &* bytes) >> 13 }

    /// What it costs to read a message of `bytes` bytes.
    public static func ofReading(_ bytes: Int) -> Int { bytes >> 10 }
}

/// What a connection has had done in an iteration of its loop; a part of the connection.
public struct CommandTurn {
    private var iteration: UInt16 = 0
    private var points: UInt8 = 0

    /// Nothing so far.
    public init() {}

    /// Whether it has had less than a turn's worth in the last iteration in which it had anything.
    var isModest: Bool { points < CommandTurns.pointsInTurn }

    /// Counts a cost; whether the connection has had a turn's worth in that iteration.
    mutating func takes(_ cost: Int, in current: UInt16) -> Bool {
        if iteration != current { (iteration, points) = (current, 0) }
        points = UInt8(clamping: min(cost, Int(UInt8.max)) + Int(points))
        return !isModest
    }
}

@available(*, unavailable)
extension CommandTurns: Sendable {}
@available(*, unavailable)
extension CommandTurn: Sendable {}
