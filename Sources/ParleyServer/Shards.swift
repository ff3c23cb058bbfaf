import Channels
import WebSocketCore

/// The shards of the node: one for each loop, for everything that is served there.
final class Shards: Sendable {
    private let known: KnownShards
    private let shards: LoopLocal<Shard>

    /// - Parameter outputBudget: the node's budget for what waits for slow readers.
    init(outputBudget: OutputBudget) {
        let known = KnownShards()
        self.known = known
        shards = LoopLocal { loop in
            let shard = Shard(outputBudget: outputBudget) { shard in
                loop.execute { shard.drain() }
            } goOn: { shard in
                loop.executeAfterInput { shard.drain() }
            } isCrowded: {
                loop.isCrowded
            } isWritingLargeMessages: {
                loop.isWritingLargeMessages
            } queuesForMany: {
                loop.queuesForMany($0)
            } holdLargeMessages: {
                known.hold($0)
            }
            known.add(shard, loop)
            return shard
        }
    }

    /// The shard of a loop; on its thread.
    func shard(of loop: any WebSocketLoop) -> Shard { shards.value(on: loop) }

    /// The most that a loop has done for channels in one iteration so far. Any thread.
    var statistics: ShardStatistics {
        known.all.reduce(ShardStatistics()) { $0.merged(with: $1.statistics) }
    }
}

/// The shards that there are; as many as loops that have served a client.
private final class KnownShards: Sendable {
    private struct State: Sendable {
        var shards: [Shard] = []
        var loops: [any WebSocketLoop] = []
        /// Shards that have asked to pause large messages.
        var full = 0
    }

    private let state = Lock(State())

    var all: [Shard] { state.withLock { $0.shards } }

    func add(_ shard: Shard, _ loop: any WebSocketLoop) {
        let isFull = state.withLock { state in
            state.shards.append(shard)
            state.loops.append(loop)
            return state.full > 0
        }
        if isFull { loop.holdLargeMessages(true) }
    }

    /// Pauses large messages on all loops while a shard asks for it: what fills it may come from any of them.
    func hold(_ isOn: Bool) {
        let loops = state.withLock { state -> [any WebSocketLoop] in
            state.full += isOn ? 1 : -1
            return state.full == (isOn ? 1 : 0) ? state.loops : []
        }
        for loop in loops { loop.execute { [self] in loop.holdLargeMessages(isHeld) } }
    }

    private var isHeld: Bool { state.withLock { $0.full > 0 } }
}
