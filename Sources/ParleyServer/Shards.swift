import Channels
import WebSocketCore

/// The shards of the node: one for each loop, for everything that is served there.
final class Shards: Sendable {
    private let shards = LoopLocal { loop in
        Shard { shard in loop.execute { shard.drain() } }
    }

    /// The shard of a loop; on its thread.
    func shard(of loop: any WebSocketLoop) -> Shard { shards.value(on: loop) }
}
