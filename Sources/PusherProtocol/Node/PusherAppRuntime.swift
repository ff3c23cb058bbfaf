public import Channels
import Synchronization
import WebSocketCore

/// One app on one node: its channels, and what is counted of its connections and requests. Any thread.
public final class PusherAppRuntime: Sendable {
    /// How long the newest event of a cache channel is kept, in milliseconds: 30 minutes.
    public static let cacheMilliseconds: UInt64 = 1_800_000
    /// A cache channel without an event is reported once in so many milliseconds.
    static let cacheMissInterval: UInt64 = 10_000
    /// Signatures that all apps of a node remember together, with ``PusherApp/refusesReplay``: an equal share for each
    /// app that does, and ``leastSignatures`` at least.
    static let rememberedSignatures = 1_000_000
    /// See ``rememberedSignatures``.
    static let leastSignatures = 10_000

    /// The app as it is configured.
    public let app: PusherApp
    /// Its channels on this node.
    public let hub: ChannelHub
    /// The wire protocol of its channels.
    public let encoder: PusherEncoder
    let clientEventRate: TokenBucket.Rate
    /// What a connection may subscribe, unsubscribe and sign in free of charge: twice as often as it may have channels,
    /// and that again within a minute.
    let commandRate: TokenBucket.Rate
    private let subscriptions: SubscriptionBudget
    /// Its number among the node's apps.
    let index: Int
    private let connections = Atomic(0)
    private let secrets: [[UInt8]: PusherKey]
    private let requestRate: TokenBucket.Rate
    private let requests = Lock<[String: TokenBucket]>([:])
    private let replays: Lock<ReplayTable>
    private let cacheMisses = Lock(QuietTable(interval: PusherAppRuntime.cacheMissInterval))
    private let clock: @Sendable () -> MonotonicInstant

    /// - Parameters:
    ///   - signatures: those that are remembered at most.
    ///   - subscriptions: the node's, of which this app's have that index.
    init(
        app: PusherApp, engine: any Engine, signatures: Int, subscriptions: SubscriptionBudget, index: Int,
        clock: @escaping @Sendable () -> MonotonicInstant
    ) {
        self.app = app
        self.clock = clock
        self.subscriptions = subscriptions
        self.index = index
        encoder = PusherEncoder()
        hub = ChannelHub(
            namespace: app.namespace, engine: engine, encoder: encoder, maximumMembers: app.limits.presenceMembers,
            tellsSubscriptionCounts: app.tellsSubscriptionCounts, gate: DeliveryGate(), clock: clock)
        secrets = Dictionary(app.keys.map { (Array($0.key.utf8), $0) }, uniquingKeysWith: { $1 })
        let limits = app.limits
        clientEventRate = TokenBucket.Rate(
            perSecond: limits.clientEventsPerSecond, burst: limits.clientEventsPerSecond)
        let commands = UInt32(clamping: 2 * min(max(limits.channelsPerConnection, 1), 1_000_000))
        commandRate = TokenBucket.Rate(perSecond: (commands + 59) / 60, burst: commands + 1)
        requestRate = TokenBucket.Rate(perSecond: limits.requestsPerSecond, burst: limits.requestsPerSecond)
        replays = Lock(ReplayTable(capacity: signatures))
    }

    /// The pair of this app that has the key, compared as bytes.
    public func key(_ key: some Collection<UInt8>) -> PusherKey? { secrets[Array(key)] }

    /// Whether `auth` is `KEY:SIGNATURE` with a key of this app and its signature of `message`.
    func isAuthorized(_ auth: [UInt8], _ message: [UInt8]) -> Bool {
        guard let colon = auth.firstIndex(of: UInt8(ascii: ":")), let pair = key(auth[..<colon]) else { return false }
        return PusherSignature.isValid(auth[(colon + 1)...], of: message, with: pair.secret)
    }

    /// Whether a connection that has `count` channels may have another one.
    func takeSubscription(having count: Int) -> Bool {
        count < SubscriptionBudget.ofConnection || subscriptions.take(index)
    }

    /// A connection has `count` channels less, of those that it had.
    func giveSubscriptions(_ count: Int, of before: Int) {
        let beyond = min(count, before - SubscriptionBudget.ofConnection)
        if beyond > 0 { subscriptions.give(beyond, index) }
    }

    /// How many connections of the app this node has.
    public var connectionCount: Int { connections.load(ordering: .relaxed) }

    /// Counts one connection more; `false` when there are as many as the app may have.
    func admit() -> Bool {
        guard let maximum = app.maximumConnections else {
            connections.add(1, ordering: .relaxed)
            return true
        }
        var count = connections.load(ordering: .relaxed)
        while count < maximum {
            let (isDone, present) = connections.weakCompareExchange(
                expected: count, desired: count + 1, ordering: .relaxed)
            if isDone { return true }
            count = present
        }
        return false
    }

    /// Counts one connection less.
    func release() { connections.subtract(1, ordering: .relaxed) }

    /// How much is kept of a channel of this kind.
    public func retention(of kind: PusherChannelKind) -> Retention {
        var retention = app.retention
        if kind.isCache { retention.newestMilliseconds = max(retention.newestMilliseconds, Self.cacheMilliseconds) }
        return retention
    }

    /// Takes one HTTP request with a key of this app from what the key may send; `false` when it is too much: answer
    /// 429, a second later there is room again.
    public func takeRequest(of key: PusherKey) -> Bool {
        let now = clock()
        return requests.withLock { $0[key.key, default: TokenBucket()].take(requestRate, now: now) }
    }

    /// Uses the signature of an HTTP request, which must be valid.
    ///
    /// - Parameters:
    ///   - signature: its 32 bytes.
    ///   - timestamp: the Unix second that it bears, which must be inside the window.
    ///   - window: how many seconds before and after now a timestamp is accepted.
    ///   - now: the present Unix second.
    public func takeSignature(
        _ signature: [UInt8], timestamp: UInt64, window: UInt64, now: UInt64
    ) -> SignatureUse {
        replays.withLock { $0.take(signature, timestamp: timestamp, window: window, now: now) }
    }

    /// Whether a cache channel without an event is to be reported now: not when that was done a moment ago.
    func isCacheMissNews(_ channel: ChannelName) -> Bool {
        let now = clock()
        return cacheMisses.withLock { $0.take(channel, now: now) }
    }

    /// Does what is due about once a second.
    func tick() {
        hub.tick()
        let now = clock()
        cacheMisses.withLock { $0.forget(now: now) }
    }
}
