import Channels
import PusherProtocol
import Synchronization
import WebSocketCore

/// Nodes of one cluster on one store in memory, each with two loops that turn when the test says so. All clocks stand
/// still unless they are moved.
final class Cluster: Sendable {
    static let key = PusherKey(key: "key-1", secret: "secret-1")
    static let secondKey = PusherKey(key: "key-2", secret: "secret-2")
    static let otherKey = PusherKey(key: "other-key", secret: "other-secret")

    /// Something that happened, as back ends are told.
    struct Happening: Equatable, CustomStringConvertible {
        let app: String
        let channel: String
        let event: DomainEvent

        var description: String { "\(app) \(channel) \(event)" }
    }

    /// What stands behind a node.
    struct Place: Sendable {
        let engine: MemoryEngine
        let node: PusherNode
        let shards: [Shard]
    }

    let places: [Place]
    private let time: Time
    private let happenings: Happenings
    private let refused: Refused

    private final class Time: Sendable {
        let milliseconds = Atomic<UInt64>(1_000)
    }

    private final class Happenings: Sendable {
        let all = Mutex<[Happening]>([])
    }

    private final class Refused: Sendable {
        let all = Mutex<[String]>([])
    }

    /// What clients have been refused, as an operator reads it.
    var refusals: [String] { refused.all.withLock { $0 } }

    /// Hands what an engine observes to its node, which comes after it.
    private final class Observer: EngineObserver {
        let node = Mutex<PusherNode?>(nil)

        func observed(_ event: DomainEvent, in channel: ChannelAddress) {
            node.withLock { $0 }?.observed(event, in: channel)
        }
    }

    /// - Parameters:
    ///   - nodes: how many.
    ///   - change: changes the app with the id 1, which has two keys. Another app, with the id 2, has a third.
    init(
        nodes: Int = 1, options: MemoryStore.Options = MemoryStore.Options(), maximumSubscriptions: Int = 500_000,
        _ change: (inout PusherApp) -> Void = { _ in }
    ) {
        let time = Time()
        let happenings = Happenings()
        let refused = Refused()
        self.refused = refused
        self.time = time
        self.happenings = happenings
        let clock: @Sendable () -> MonotonicInstant = {
            MonotonicInstant(milliseconds: time.milliseconds.load(ordering: .relaxed))
        }
        let store = MemoryStore(options: options, clock: clock)
        var app = PusherApp(id: "1", name: "one", keys: [Self.key, Self.secondKey])
        change(&app)
        let apps = [app, PusherApp(id: "2", name: "two", keys: [Self.otherKey])]
        places = (0..<nodes).map { _ in
            let observer = Observer()
            let engine = MemoryEngine(store: store, observer: observer)
            let node = PusherNode(
                apps: apps, engine: engine, clock: clock,
                wallClock: { time.milliseconds.load(ordering: .relaxed) },
                maximumSubscriptions: maximumSubscriptions,
                onEvent: { app, channel, event in
                    let channel = String(decoding: channel.bytes, as: UTF8.self)
                    happenings.all.withLock { $0.append(Happening(app: app, channel: channel, event: event)) }
                }, onRefusal: { refusal in refused.all.withLock { $0.append(refusal.reason) } })
            observer.node.withLock { $0 = node }
            return Place(engine: engine, node: node, shards: [Shard { _ in }, Shard { _ in }])
        }
    }

    var node: PusherNode { places[0].node }

    var app: PusherAppRuntime {
        get throws {
            struct NoApp: Error {}
            guard let runtime = node.runtime(id: "1") else { throw NoApp() }
            return runtime
        }
    }

    /// Moves the clocks.
    func pass(_ milliseconds: UInt64) { time.milliseconds.add(milliseconds, ordering: .relaxed) }

    var now: MonotonicInstant { MonotonicInstant(milliseconds: time.milliseconds.load(ordering: .relaxed)) }

    /// Turns all loops until nothing is left to do.
    func drain() {
        for _ in 0..<6 {
            for place in places {
                for shard in place.shards { shard.drain() }
            }
        }
    }

    func tick() {
        for place in places {
            place.engine.tick()
            place.node.tick()
        }
        drain()
    }

    /// What has happened since the last call.
    func takeHappenings() -> [Happening] {
        happenings.all.withLock { all in
            defer { all = [] }
            return all
        }
    }

    /// A connection that has not been opened.
    func accept(key: PusherKey = Cluster.key, node: Int = 0, loop: Int = 0) throws -> Client {
        struct NoApp: Error {}
        let place = places[node]
        guard let runtime = place.node.runtime(key: key.key) else { throw NoApp() }
        return Client(runtime: runtime, node: place.node, protocolVersion: 7, shard: place.shards[loop])
    }

    /// A connection whose first message has been taken.
    func connect(key: PusherKey = Cluster.key, node: Int = 0, loop: Int = 0) throws -> Client {
        let client = try accept(key: key, node: node, loop: loop)
        client.opened()
        _ = client.take()
        return client
    }

    /// A connection that has signed in; what it was told has been taken.
    func connect(as user: String, more: String = "", node: Int = 0, loop: Int = 0) throws -> Client {
        let client = try connect(node: node, loop: loop)
        client.signIn(#"{"id":"\#(user)"\#(more)}"#)
        drain()
        _ = client.take()
        return client
    }

    /// Publishes as the HTTP API does.
    @discardableResult
    func publish(
        _ data: String, event: String = "said", to channel: String, node: Int = 0, excluded: ConnectionID? = nil
    ) throws -> Position {
        struct NotKept: Error {}
        guard let runtime = places[node].node.runtime(id: "1"), let kind = PusherChannelKind(Array(channel.utf8)) else {
            throw NotKept()
        }
        let publication = PusherEvent(name: Array(event.utf8), payload: .text(Array(data.utf8)))
            .publication(excluded: excluded)
        let answer = Mutex<Position?>(nil)
        runtime.hub.publish([
            PublishRequest.Entry(
                channel: try Self.name(channel), publication: publication, retention: runtime.retention(of: kind))
        ]) { result in
            answer.withLock { $0 = (try? result.get())?.first }
        }
        guard let position = answer.withLock({ $0 }) else { throw NotKept() }
        return position
    }

    static func name(_ name: String) throws -> ChannelName {
        struct NoName: Error {}
        guard let name = ChannelName(Array(name.utf8)) else { throw NoName() }
        return name
    }
}
