/// Keeps what is published and who is present: the port behind which a node's memory, a database or a cluster's shared
/// store stands. One object is one node's connection to it.
///
/// Any thread may call; nothing here blocks. A completion is called exactly once, on any thread, perhaps before the call
/// returns. What happens in one channel has one order, and the engine gives it; sinks of all nodes are told in that
/// order as far as ``isLossless`` says. No method may be called from inside a ``ChannelSink`` or ``EngineObserver``.
public protocol Engine: AnyObject, Sendable {
    /// Whether every sink is told everything, in order and once. When not, nodes look now and then for what they have
    /// missed, by ``history(_:since:limit:completion:)`` and ``members(_:completion:)``.
    var isLossless: Bool { get }

    /// Publishes all entries or none.
    ///
    /// Success means kept: each entry has the returned position, in the order of the entries, and is readable there
    /// until retention removes it. After a failure other than ``EngineError/unavailable`` nothing was published. With an
    /// idempotency key at most one request is carried out in the namespace for at least ten minutes (24 hours without
    /// memory pressure), also when it is repeated at the same time or on another node: the repetitions get the same
    /// positions, or ``EngineError/keyWasUsed`` when their fingerprint is another.
    func publish(
        _ request: PublishRequest,
        completion: @escaping @Sendable (Result<[Position], EngineError>) -> Void)

    /// Hands something to the sinks of a channel, at most once, without a position and without keeping it.
    func relay(_ publication: Publication, to channel: ChannelAddress)

    /// Begins to tell `sink` what happens in a channel, for as long as ``close(_:sink:)`` is not called for the same
    /// sink. Everything above the returned top is told.
    func open(
        _ channel: ChannelAddress, sink: any ChannelSink,
        completion: @escaping @Sendable (Result<Position, EngineError>) -> Void)

    /// Says how many subscriptions a sink stands for. A report with a lower `version` than one before does nothing, so
    /// that reports may overtake each other. Reports before ``open(_:sink:completion:)`` has completed count as well.
    func report(subscriptions: Int, version: UInt64, to channel: ChannelAddress, sink: any ChannelSink)

    /// Ends what ``open(_:sink:completion:)`` began; the sink's subscriptions are gone.
    func close(_ channel: ChannelAddress, sink: any ChannelSink)

    /// Reads the log from the first kept publication after `offset` on.
    ///
    /// - Parameters:
    ///   - offset: 0 for the oldest; `nil` for the newest `limit` ones.
    ///   - limit: publications at most, 0 to 300. 0 asks for the top only.
    func history(
        _ channel: ChannelAddress, since offset: UInt64?, limit: Int,
        completion: @escaping @Sendable (Result<HistoryPage, EngineError>) -> Void)

    /// The newest publication, if it is kept; see ``Retention/newestMilliseconds``.
    func newest(
        _ channel: ChannelAddress,
        completion: @escaping @Sendable (Result<HistoryPage.Entry?, EngineError>) -> Void)

    /// Makes `identity` present in a channel through one connection of this node; again with the same connection does
    /// nothing. Sinks are told when it is the user's first connection.
    ///
    /// The entry is this node's: it goes with ``leave(_:connection:)`` or when the node is gone and its lease has ended.
    /// The snapshot contains the user.
    /// - Parameter maximumMembers: users at most; ``EngineError/full`` when the user would be one more.
    func enter(
        _ channel: ChannelAddress, identity: Identity, connection: ConnectionID, maximumMembers: Int,
        completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void)

    /// Ends what ``enter(_:identity:connection:maximumMembers:completion:)`` began, also when that has not completed.
    func leave(_ channel: ChannelAddress, connection: ConnectionID)

    /// Who is present.
    func members(
        _ channel: ChannelAddress,
        completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void)

    /// How many are in a channel.
    func occupancy(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<Occupancy, EngineError>) -> Void)

    /// The occupied channels of a namespace whose names begin with `prefix`, in no order: those with a subscription.
    func channels(
        in namespace: [UInt8], prefix: [UInt8],
        completion: @escaping @Sendable (Result<[(name: ChannelName, occupancy: Occupancy)], EngineError>) -> Void)

    /// Renews this node's lease, and does what is due: drops what has expired, ends the presence of nodes whose lease
    /// has ended. Called about once a second.
    func tick()

    /// Ends this node's part: its presence and subscriptions are gone.
    func stop()
}
