import Channels
import WebSocketCore

/// The subscriptions of a connection that has ended or watches nobody any more, which leave their channels a few at a
/// time: thousands of connections that are reset together would hold everybody else up until all of theirs have left.
/// Confined to its shard's thread.
final class Departures: Subscriber {
    /// Those that leave in one turn: more than a connection subscribes to in one, so that the places of those that have
    /// gone are free before the same clients are back and need them.
    static let atOnce = 16

    private var waiting: [MutedSubscription]
    private let runtime: PusherAppRuntime
    private let shard: Shard
    /// The subscriptions that the app counts for the connection, these among them.
    private var counted: Int
    private var turn = CommandTurn()

    private init(_ waiting: [MutedSubscription], _ runtime: PusherAppRuntime, _ shard: Shard, _ counted: Int) {
        self.waiting = waiting
        self.runtime = runtime
        self.shard = shard
        self.counted = counted
    }

    /// Has subscriptions of a connection leave that hear nothing more from now on: at once when they are few.
    ///
    /// - Parameters:
    ///   - subscriptions: those that have been made.
    ///   - count: how many are counted for these, made or not.
    ///   - before: how many are counted for the connection.
    static func begin(_ subscriptions: [Subscription], count: Int, of before: Int, _ connection: PusherConnection) {
        let (runtime, shard) = (connection.runtime, connection.shard)
        let waiting = subscriptions.compactMap { $0.mute() }
        let gone = count - waiting.count
        runtime.giveSubscriptions(gone, of: before)
        let departures = Departures(waiting, runtime, shard, before - gone)
        if waiting.count > atOnce { shard.waitForTurn(departures, departures.turn) } else { departures.turnCame() }
    }

    override func turnCame() {
        let count = min(Self.atOnce, waiting.count)
        for subscription in waiting.suffix(count) { subscription.leave() }
        waiting.removeLast(count)
        runtime.giveSubscriptions(count, of: counted)
        counted -= count
        _ = shard.takesCommand(count * CommandCost.ofLeaving, &turn)
        if !waiting.isEmpty { shard.waitForTurn(self, turn) }
    }

    override func deliver(_ frame: SharedFrame) {}
}
