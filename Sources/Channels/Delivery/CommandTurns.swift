/// The connections of a shard that wait until it is their turn to have commands done.
///
/// A command, a subscription above all, costs as much as some hundred deliveries, and one segment holds a thousand. So an
/// iteration of the loop does ``ShardWork/maximumCommands``, and where several connections want more, ``commandsInTurn``
/// of each before it is another one's turn. Confined to its shard's thread.
struct CommandTurns {
    /// Commands of one connection before it is another one's turn.
    static let commandsInTurn: UInt8 = 8
    /// In each iteration, however much else it does.
    static let leastCommands = 16

    private var waiting = WaitingLine<Subscriber>()

    var isEmpty: Bool { waiting.isEmpty }

    mutating func append(_ subscriber: Subscriber) { waiting.append(subscriber) }

    mutating func popFirst() -> Subscriber? { waiting.popFirst() }
}

/// What a connection has had done in an iteration of its loop; a part of the connection.
public struct CommandTurn {
    private var iteration: UInt16 = 0
    private var count: UInt8 = 0

    /// Nothing so far.
    public init() {}

    /// Counts one command; whether the connection has had a turn's worth in that iteration.
    mutating func takes(in current: UInt16) -> Bool {
        if iteration != current { (iteration, count) = (current, 0) }
        if count < CommandTurns.commandsInTurn { count += 1 }
        return count == CommandTurns.commandsInTurn
    }
}

@available(*, unavailable)
extension CommandTurns: Sendable {}
@available(*, unavailable)
extension CommandTurn: Sendable {}
