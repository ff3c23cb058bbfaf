import Channels
import WebSocketCore

/// The shards of the node: one for each loop, for everything that is served there.
final class Shards: Sendable {
    private let known: KnownShards
    private let shards: LoopLocal<Shard>

    /// - Parameters:
    ///   - outputBudget: the node's budget for what waits for slow readers.
    ///   - gate: holds publishes back while a loop is behind.
    init(outputBudget: OutputBudget, gate: DeliveryGate) {
        let known = KnownShards()
        self.known = known
        shards = LoopLocal { loop in
            let shard = Shard(outputBudget: outputBudget, gate: gate) { shard in
                loop.execute { shard.drain() }
            } goOn: { shard in
                loop.executeAfterInput { shard.drain() }
            } isCrowded: {
                loop.isCrowded
            } holdLargeMessages: {
                loop.holdLargeMessages($0)
            }
            known.all.withLock { $0.append(shard) }
            return shard
        }
    }

    /// The shard of a loop; on its thread.
    func shard(of loop: any WebSocketLoop) -> Shard { shards.value(on: loop) }

    /// The most that a loop has done for channels in one iteration so far. Any thread.
    var statistics: ShardStatistics {
        known.all.withLock { shards in
            shards.reduce(ShardStatistics()) { $0.merged(with: $1.statistics) }
        }
    }
}

/// The shards that there are; as many as loops that have served a client.
private final class KnownShards: Sendable {
    let all = Lock<[Shard]>([])
}
