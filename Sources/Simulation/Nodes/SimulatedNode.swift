import Channels
import PusherProtocol
import WebSocketCore

/// One life of one server: the real apps, channels and HTTP API, on loops that are events of the run.
final class SimulatedNode {
    let scheduler: Scheduler
    let process: SimulatedProcess
    let engine: SimulatedEngine
    let pusher: PusherNode
    let api: PusherAPI
    let shards: [Shard]
    private(set) var connections: [SimulatedConnection] = []
    private let observer: StoreObserver

    init(
        world: World, process: SimulatedProcess, shardCount: Int, isLossless: Bool, random: SeededRandom
    ) {
        var random = random
        let scheduler = world.scheduler
        self.scheduler = scheduler
        self.process = process
        observer = StoreObserver(world.audit)
        engine = SimulatedEngine(
            host: world.host, process: process, isLossless: isLossless, observer: observer, random: random.split())
        nonisolated(unsafe) var numbers = random.split()
        nonisolated(unsafe) let (clock, life, audit) = (scheduler, process, world.audit)
        pusher = PusherNode(
            apps: world.apps, engine: engine,
            clock: { MonotonicInstant(milliseconds: clock.milliseconds + life.clockOffset) },
            wallClock: { World.unixOrigin + clock.milliseconds },
            random: { numbers.next() },
            onEvent: { audit.reported($2, in: $1, of: $0) })
        api = PusherAPI(node: pusher)
        observer.node = pusher
        nonisolated(unsafe) var wakes = random.split()
        shards = (0..<shardCount).map { _ in
            Shard { shard in
                clock.schedule(.loopTurn, life.index, after: UInt64(10 + wakes.below(200)), on: life) { shard.drain() }
            }
        }
        // Nodes do not tick at the same time.
        scheduleTick(after: UInt64(random.below(1_000_000)))
    }

    var now: MonotonicInstant { MonotonicInstant(milliseconds: scheduler.milliseconds + process.clockOffset) }

    private func scheduleTick(after delay: UInt64) {
        scheduler.schedule(.tick, process.index, after: delay, on: process) { [weak self] in
            guard let self else { return }
            engine.tick()
            pusher.tick()
            for connection in connections { connection.tick() }
            scheduleTick(after: 1_000_000)
        }
    }

    /// A client's request to connect has arrived.
    func accept(_ wire: Wire, path: String, query: String, shard: Int) {
        switch PusherHandshake.decide(path: path, query: query, node: pusher) {
        case .accepted(let runtime, let version, _):
            let connection = SimulatedConnection(
                host: self, wire: wire, runtime: runtime, protocolVersion: version,
                shard: shards[shard % shards.count])
            connections.append(connection)
            wire.connection = connection
            connection.opened()
        default: scheduler.report(.wire, "a client was not let in")
        }
    }

    func forget(_ connection: SimulatedConnection) { connections.removeAll { $0 === connection } }

    /// The process is killed: nothing of it happens any more, and its connections end anywhere.
    func kill() {
        process.isAlive = false
        engine.disconnect()
        for connection in connections { connection.abandon() }
        connections = []
        for shard in shards { shard.drain() }
    }
}

@available(*, unavailable)
extension SimulatedNode: Sendable {}
