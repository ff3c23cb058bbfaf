public import Channels
import Synchronization
public import WebSocketCore

/// All apps on one node, and what they share: the engine, the clocks, who is told what happens. Any thread.
public final class PusherNode: Sendable {
    /// Who is told what happens in an app's channels.
    public typealias EventHandler = @Sendable (PusherApp.ID, ChannelName, DomainEvent) -> Void
    /// Who is told what clients were refused.
    public typealias RefusalHandler = @Sendable (Refusal) -> Void

    /// Where everything is kept.
    public let engine: any Engine
    /// All apps, in the order of the configuration.
    public let runtimes: [PusherAppRuntime]
    let clock: @Sendable () -> MonotonicInstant
    /// Unix milliseconds.
    let wallClock: @Sendable () -> UInt64
    private let random: @Sendable () -> UInt64
    private let onEvent: EventHandler
    private let onRefusal: RefusalHandler
    private let byKey: [[UInt8]: PusherAppRuntime]
    private let byID: [ByteString: PusherAppRuntime]
    private let byNamespace: [[UInt8]: PusherAppRuntime]
    private let draining = Atomic(false)

    /// Creates the apps of a node.
    ///
    /// - Parameters:
    ///   - apps: with ids and keys that are different from each other; of two with the same the last counts.
    ///   - engine: keeps what is published; all nodes of a cluster share what stands behind it. What it observes must be
    ///     handed to ``observed(_:in:)``.
    ///   - clock: the present on a clock that never jumps; any thread.
    ///   - wallClock: the present in Unix milliseconds, for signatures; any thread.
    ///   - maximumSubscriptions: of all connections together, beyond 16 of each: about 1.3 KB each, and a user's data in
    ///     a presence channel. Half of them is in equal parts for each app. Default 500,000.
    ///   - random: unpredictable numbers, for the names of connections; any thread. By default the system's.
    ///   - onEvent: told what happens in channels that clients can see; any thread, it must not block.
    ///   - onRefusal: told what a client was refused on a connection that stays open; on the connection's loop, as often
    ///     as a client likes; it must not block.
    public init(
        apps: [PusherApp], engine: any Engine, clock: @escaping @Sendable () -> MonotonicInstant,
        wallClock: @escaping @Sendable () -> UInt64, maximumSubscriptions: Int = 500_000,
        random: @escaping @Sendable () -> UInt64 = { PusherNode.unpredictable() },
        onEvent: @escaping EventHandler = { _, _, _ in }, onRefusal: @escaping RefusalHandler = { _ in }
    ) {
        self.engine = engine
        self.clock = clock
        self.wallClock = wallClock
        self.random = random
        self.onEvent = onEvent
        self.onRefusal = onRefusal
        let signatures = max(
            PusherAppRuntime.leastSignatures,
            PusherAppRuntime.rememberedSignatures / max(1, apps.count { $0.refusesReplay }))
        let subscriptions = SubscriptionBudget(maximumSubscriptions, apps: apps.count)
        let runtimes = apps.enumerated().map { index, app in
            PusherAppRuntime(
                app: app, engine: engine, signatures: signatures, subscriptions: subscriptions, index: index,
                clock: clock)
        }
        self.runtimes = runtimes
        byKey = Dictionary(
            runtimes.flatMap { runtime in runtime.app.keys.map { (Array($0.key.utf8), runtime) } },
            uniquingKeysWith: { $1 })
        byID = Dictionary(runtimes.map { (ByteString($0.app.id), $0) }, uniquingKeysWith: { $1 })
        byNamespace = Dictionary(runtimes.map { ($0.app.namespace, $0) }, uniquingKeysWith: { $1 })
    }

    /// A number that nobody can guess, from the system.
    public static func unpredictable() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    /// The app that has a key, compared as bytes; disabled ones too.
    public func runtime(key: String) -> PusherAppRuntime? { runtime(keyBytes: Array(key.utf8)) }

    func runtime(keyBytes key: [UInt8]) -> PusherAppRuntime? { byKey[key] }

    /// The app with an id, compared as bytes; disabled ones too.
    public func runtime(id: String) -> PusherAppRuntime? { byID[ByteString(id)] }

    /// The present in Unix milliseconds.
    public var unixMilliseconds: UInt64 { wallClock() }

    /// Whether the node is about to end: new connections are sent away with 4100.
    public var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// Sends new connections away from now on. Those that are there are closed by whoever has them, spread over some
    /// time; see ``PusherConnection/drain()``.
    public func beginDraining() { draining.store(true, ordering: .relaxed) }

    /// Does what is due about once a second; the engine has its own ``Channels/Engine/tick()``.
    public func tick() { for runtime in runtimes { runtime.tick() } }

    /// A name for a new connection.
    func connectionID() -> ConnectionID {
        var generator = Generator(number: random)
        return ConnectionID(using: &generator)
    }

    /// Tells what a client was refused.
    func report(_ refusal: Refusal) { onRefusal(refusal) }

    /// Tells what has happened in a channel, unless that is reserved.
    func report(_ event: DomainEvent, in channel: ChannelName, of app: PusherApp) {
        guard let kind = PusherChannelKind(channel), kind.access != .user else { return }
        if case .subscriptionCount = event, !app.tellsSubscriptionCounts || kind.isPresence { return }
        onEvent(app.id, channel, event)
    }

    private struct Generator: RandomNumberGenerator {
        let number: @Sendable () -> UInt64
        mutating func next() -> UInt64 { number() }
    }
}

extension PusherNode: EngineObserver {
    /// Takes what the engine has observed in the channels of these apps.
    public func observed(_ event: DomainEvent, in channel: ChannelAddress) {
        guard let runtime = byNamespace[channel.namespace] else { return }
        report(event, in: channel.name, of: runtime.app)
    }
}
