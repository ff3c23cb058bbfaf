import Channels
import Testing

/// What the conformance tests need to know of an engine: how to have some nodes of it, and how to make time pass.
protocol EngineFixture: Sendable, CustomTestStringConvertible {
    /// A cluster of so many nodes on an empty store of its own.
    func makeCluster(nodes: Int) async throws -> any EngineCluster
}

/// Some nodes of one engine on one store, with a clock that moves when the test says so.
protocol EngineCluster: Sendable {
    var nodes: [EngineNode] { get }
    /// How long a node counts as alive after its last tick.
    var leaseMilliseconds: UInt64 { get }

    /// Lets time pass; nobody ticks meanwhile.
    func advance(by milliseconds: UInt64) async

    /// Returns when everything that is on its way has arrived.
    func settle() async
}

/// A node and what it has observed.
struct EngineNode: Sendable {
    let engine: any Engine
    let observer: ObserverRecorder
}

extension EngineCluster {
    /// Nodes tick, one after the other.
    func tick(_ nodes: [EngineNode]) async {
        for node in nodes { node.engine.tick() }
        await settle()
    }

    /// Lets so much time pass that a node that does not tick is gone afterwards, and one of `alive` is not.
    func outliveLease(_ alive: [EngineNode]) async {
        for _ in 0..<4 {
            await advance(by: leaseMilliseconds / 3)
            await tick(alive)
        }
    }

    /// A sink that is open on a node, and the top at which it was opened.
    func open(_ channel: ChannelAddress, on node: EngineNode) async throws -> (sink: SinkRecorder, top: Position) {
        let sink = SinkRecorder()
        let top = try await node.engine.open(channel, sink: sink)
        return (sink, top)
    }
}
