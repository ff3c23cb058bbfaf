public import WebSocketCore

/// All channels of one wire protocol and namespace on this node: each comes with its first subscriber, member or not,
/// and goes with its last. What is published goes through the ``Engine`` and comes back from there, in order.
///
/// Any thread may use it; what is opened on a shard belongs to that shard's thread.
public final class ChannelHub: Sendable {
    /// How many members a channel has at most, unless said otherwise.
    public static let defaultMaximumMembers = 1_000

    /// What is published through one hub never reaches the channels of another namespace.
    public let namespace: [UInt8]
    /// How many members each channel has at most: in its roster, and present users. Subscribers that are no members are
    /// not counted.
    public let maximumMembers: Int
    /// Keeps what is published; `nil` when nothing is: then only raw data can be published, on this node.
    public let engine: (any Engine)?
    /// Holds back what comes from outside the loops while they cannot keep up with this hub's deliveries; `nil` for never.
    public let gate: DeliveryGate?
    let encoder: any ChannelEncoder
    let clock: @Sendable () -> MonotonicInstant
    let tellsSubscriptionCounts: Bool
    private let channels = Lock<[ChannelName: Channel]>([:])
    private let loads = Lock<[ObjectIdentifier: DeliveryLoad]>([:])
    /// Channels that have something left to do.
    private let unfinished = Lock<[ChannelName: Channel]>([:])

    /// Creates a hub without channels.
    ///
    /// - Parameters:
    ///   - namespace: keeps the channels of one hub apart from those of others on the same engine.
    ///   - engine: keeps what is published.
    ///   - encoder: the wire protocol that all subscribers of this hub's channels speak.
    ///   - maximumMembers: how many members a channel has at most; at least 1.
    ///   - tellsSubscriptionCounts: whether subscribers are told how many they are.
    ///   - gate: holds back what comes from outside the loops, see ``DeliveryGate``; `nil` for never.
    ///   - clock: the present; for what is told now and then only.
    public init(
        namespace: [UInt8] = [], engine: (any Engine)? = nil, encoder: any ChannelEncoder,
        maximumMembers: Int = ChannelHub.defaultMaximumMembers, tellsSubscriptionCounts: Bool = false,
        gate: DeliveryGate? = nil,
        clock: @escaping @Sendable () -> MonotonicInstant = { MonotonicInstant(milliseconds: 0) }
    ) {
        precondition(maximumMembers > 0, "A channel needs room for at least one member.")
        self.namespace = namespace
        self.engine = engine
        self.encoder = encoder
        self.maximumMembers = maximumMembers
        self.tellsSubscriptionCounts = tellsSubscriptionCounts
        self.gate = gate
        self.clock = clock
    }

    /// How many channels there are, each with at least one subscriber. Any thread.
    public var channelCount: Int { channels.withLock { $0.count } }

    /// The address of a channel in the cluster.
    public func address(_ name: ChannelName) -> ChannelAddress { ChannelAddress(namespace: namespace, name: name) }

    /// Makes `subscriber` a member of the channel `name`, which is created if need be. On the thread of `shard`.
    ///
    /// The first thing that it is delivered is its welcome with the roster; the others are told. What it has missed, if
    /// it asks for that, follows.
    /// - Throws: ``ChannelError/full``.
    public func join(
        _ name: ChannelName, as profile: Profile, with subscriber: Subscriber, on shard: Shard,
        _ request: SubscriptionRequest = SubscriptionRequest()
    ) throws(ChannelError) -> Membership {
        while true {
            // The last one in the channel that was found may leave before this one is in: then once more.
            let channel = channel(name)
            if let membership = try channel.join(as: profile, with: subscriber, on: shard, request) {
                return membership
            }
            forget(channel)
        }
    }

    /// Has `subscriber` hear what happens in the channel `name` from now on, without being a member; the channel is
    /// created if need be. On the thread of `shard`.
    ///
    /// Nobody is told, and there is no limit to the number. ``Subscriber/started(_:_:)`` is called when the subscription
    /// stands, perhaps before this returns and always before the first delivery.
    public func subscribe(
        _ name: ChannelName, with subscriber: Subscriber, on shard: Shard,
        _ request: SubscriptionRequest = SubscriptionRequest()
    ) -> Subscription {
        while true {
            let channel = channel(name)
            if let seat = channel.subscribe(subscriber, on: shard, request) { return Subscription(seat: seat) }
            forget(channel)
        }
    }

    /// Gives this node's subscribers of the channel `name` the data as it is: past the engine, without a position. Any
    /// thread.
    ///
    /// It is encoded once. When nobody is in the channel, nothing happens.
    /// - Parameter payload: valid during the call only; text must be UTF-8, which is the caller's promise.
    public func publish(_ kind: MessageKind, _ payload: RawSpan, to name: ChannelName) {
        guard let channel = existingChannel(name) else { return }
        channel.publish(encoder.frame(for: kind, payload))
    }

    /// Publishes to channels of this hub's namespace, whoever is in them. Any thread; see ``Engine/publish(_:completion:)``.
    public func publish(
        _ entries: [PublishRequest.Entry], idempotency: PublishRequest.Idempotency? = nil,
        completion: @escaping @Sendable (Result<[Position], EngineError>) -> Void
    ) {
        guard let engine else { return completion(.failure(.unavailable)) }
        engine.publish(
            PublishRequest(namespace: namespace, entries: entries, idempotency: idempotency), completion: completion)
    }

    /// Hands something to the subscribers of a channel, at most once, without a position and without keeping it. Any
    /// thread.
    public func relay(_ publication: Publication, to name: ChannelName) {
        engine?.relay(publication, to: address(name))
    }

    /// Does what is due now and then: tells counts that were held back, asks the engine again where it had failed and,
    /// with an engine that may lose things, looks for what is missing. About once a second, on any thread.
    public func tick() {
        let due = unfinished.withLock { unfinished in
            defer { unfinished = [:] }
            return Array(unfinished.values)
        }
        for channel in due { channel.tick() }
        guard engine?.isLossless == false else { return }
        for channel in channels.withLock({ Array($0.values) }) { channel.tick() }
    }

    /// Has the next ``tick()`` look after a channel.
    func remember(_ channel: Channel) {
        unfinished.withLock { $0[channel.name] = channel }
    }

    /// Drops a channel that nobody is in any more.
    func forget(_ channel: Channel) {
        channels.withLock { channels in
            // By now there may be another one with its name.
            if channels[channel.name] === channel { channels[channel.name] = nil }
        }
    }

    /// Whether a subscription of this hub makes somebody present in a channel through the connection.
    func isPresent(_ connection: ConnectionID, in name: ChannelName) -> Bool {
        existingChannel(name)?.state.withLock { $0.presences.isPresent(connection) } ?? false
    }

    /// What waits on a shard for this hub's channels; shards live as long as their node.
    func load(on shard: Shard) -> DeliveryLoad {
        loads.withLock { loads in
            if let load = loads[ObjectIdentifier(shard)] { return load }
            let load = DeliveryLoad(gate)
            loads[ObjectIdentifier(shard)] = load
            return load
        }
    }

    private func existingChannel(_ name: ChannelName) -> Channel? { channels.withLock { $0[name] } }

    private func channel(_ name: ChannelName) -> Channel {
        channels.withLock { channels in
            if let channel = channels[name] { return channel }
            let channel = Channel(name: name, hub: self)
            channels[name] = channel
            return channel
        }
    }
}
