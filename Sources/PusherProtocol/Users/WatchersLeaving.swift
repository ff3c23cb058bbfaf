import Channels
import WebSocketCore

/// The watchers of a connection that has ended, which leave a few at a time: three thousand connections that are reset
/// together would hold everybody else up until all of theirs have left. Confined to its shard's thread.
final class WatchersLeaving: Subscriber {
    /// Those that leave in one turn.
    private static let atOnce = 8

    private var watchers: [Watcher]
    private let shard: Shard
    private let whenDone: () -> Void
    private var turn = CommandTurn()

    private init(_ watchers: [Watcher], _ shard: Shard, _ whenDone: @escaping () -> Void) {
        self.watchers = watchers
        self.shard = shard
        self.whenDone = whenDone
    }

    /// Has watchers leave that hear nothing more from now on.
    static func begin(_ watchers: [Watcher], on shard: Shard, whenDone: @escaping () -> Void) {
        for watcher in watchers { watcher.connection = nil }
        let leaving = WatchersLeaving(watchers, shard, whenDone)
        if watchers.count > atOnce { shard.waitForTurn(leaving) } else { leaving.turnCame() }
    }

    override func turnCame() {
        for watcher in watchers.suffix(Self.atOnce) { watcher.leave() }
        watchers.removeLast(min(Self.atOnce, watchers.count))
        _ = shard.takesCommand(Self.atOnce * CommandCost.ofChange, &turn)
        if watchers.isEmpty { whenDone() } else { shard.waitForTurn(self) }
    }

    override func deliver(_ frame: SharedFrame) {}
}
