/// What a connection has had done in an iteration of its loop; a part of the connection.
///
/// What one message asks for may cost as much as some hundred deliveries, and one segment holds a thousand. So what is
/// done has a cost in points, see ``CommandCost``: an iteration of the loop does ``ShardWork/maximumPoints``, and where
/// several connections want more, ``worth`` of each before it is another one's turn. Those that have wanted less than
/// that are modest in the shard's ``WebSocketCore/TwoLines``.
public struct CommandTurn {
    /// Of one connection before it is another one's turn.
    static let worth: UInt8 = 64
    /// Points in each iteration, however much else it does.
    static let leastPoints = 128

    private var iteration: UInt16 = 0
    private var points: UInt8 = 0

    /// Nothing so far.
    public init() {}

    /// Whether it has had less than a turn's worth in the last iteration in which it had anything.
    var isModest: Bool { points < Self.worth }

    /// Counts a cost; whether the connection has had a turn's worth in that iteration.
    mutating func takes(_ cost: Int, in current: UInt16) -> Bool {
        if iteration != current { (iteration, points) = (current, 0) }
        points = UInt8(clamping: min(cost, Int(UInt8.max)) + Int(points))
        return !isModest
    }
}

@available(*, unavailable)
extension CommandTurn: Sendable {}
