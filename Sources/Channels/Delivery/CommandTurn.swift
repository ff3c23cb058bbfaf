/// What a connection has had done in an iteration of its loop, and lately; a part of the connection.
///
/// What one message asks for may cost as much as some hundred deliveries, and one segment holds a thousand. So what is
/// done has a cost in points, see ``CommandCost``: an iteration of the loop does ``ShardWork/maximumPoints``, and where
/// several connections want more, a turn's worth of each before it is another one's turn. Those that have had less than
/// that lately are modest in the shard's ``WebSocketCore/TwoLines``; their turns are short, and one that sends something
/// now and then does not stand in line at all.
public struct CommandTurn {
    /// Points of one connection before it is another one's turn.
    private static let worth: UInt8 = 64
    /// The most points of one round, in which everybody in line has a turn: where hundreds wait, their turns are shorter, down
    /// to ``CommandCost/ofChange``.
    private static let round = 8 * ShardWork.maximumPoints
    /// The same of a modest one, and what it may have in an iteration without standing in line.
    private static let small: UInt8 = 16
    /// Points in each iteration, however much else it does.
    static let leastPoints = 128

    private var iteration: UInt16 = 0
    private var points: UInt8 = 0
    /// Of the last iterations: halved every eight.
    private var recent: UInt8 = 0

    /// Nothing so far.
    public init() {}

    /// Whether it has had less than a turn's worth lately.
    var isModest: Bool { recent < Self.worth }

    /// Whether it has had a turn's worth in the last iteration in which it had anything.
    ///
    /// - Parameter others: how many wait that are not modest.
    func isOver(_ others: Int) -> Bool {
        guard !isModest else { return points >= Self.small }
        guard others > Self.round / Int(Self.worth) else { return points >= Self.worth }
        return Int(points) >= max(CommandCost.ofChange, Self.round / others)
    }

    /// Counts a cost.
    mutating func take(_ cost: Int, in current: UInt16) {
        if iteration != current {
            let eights = (current >> 3 &- iteration >> 3) & (UInt16.max >> 3)
            recent = recent >> eights
            (iteration, points) = (current, 0)
        }
        let cost = min(cost, Int(UInt8.max))
        points = UInt8(clamping: Int(points) + cost)
        recent = UInt8(clamping: Int(recent) + cost)
    }
}

@available(*, unavailable)
extension CommandTurn: Sendable {}
