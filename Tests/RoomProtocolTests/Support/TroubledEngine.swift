import Channels
import WebSocketCore

/// An engine in memory that a test can trouble: it fails, keeps silent, or loses everything.
final class TroubledEngine: Engine {
    private struct State {
        var base = MemoryEngine()
        var failure: EngineError?
        var refusesToOpen = false
        var isHeld = false
        var held: [@Sendable () -> Void] = []
        var published: [PublishRequest] = []
        var opened: [(channel: ChannelAddress, sink: any ChannelSink)] = []
    }

    private let state = Lock(State())
    private var base: MemoryEngine { state.withLock { $0.base } }

    var isLossless: Bool { true }

    /// Everything that was to be published and has not failed.
    var published: [PublishRequest] { state.withLock { $0.published } }

    /// From now on every publish fails so; `nil` when none does.
    func failPublishes(with failure: EngineError?) { state.withLock { $0.failure = failure } }

    /// From now on no channel can be opened.
    func refuseToOpen() { state.withLock { $0.refusesToOpen = true } }

    /// From now on nobody gets an answer about a log until ``release()``.
    func hold() { state.withLock { $0.isHeld = true } }

    /// Gives the answers that were held back.
    func release() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for answer in held { answer() }
    }

    /// Everything that was kept is lost: another engine takes over.
    func restart() {
        let (base, opened) = state.withLock { state in
            state.base = MemoryEngine()
            return (state.base, state.opened)
        }
        for (channel, sink) in opened {
            base.open(channel, sink: sink) { _ in }
            sink.interrupted()
        }
    }

    func publish(
        _ request: PublishRequest, completion: @escaping @Sendable (Result<[Position], EngineError>) -> Void
    ) {
        let failure = state.withLock { state in
            if state.failure == nil { state.published.append(request) }
            return state.failure
        }
        if let failure { return completion(.failure(failure)) }
        base.publish(request, completion: completion)
    }

    func relay(_ publication: Publication, to channel: ChannelAddress) { base.relay(publication, to: channel) }

    func open(
        _ channel: ChannelAddress, sink: any ChannelSink,
        completion: @escaping @Sendable (Result<Position, EngineError>) -> Void
    ) {
        let isRefused = state.withLock { state in
            if !state.refusesToOpen { state.opened.append((channel, sink)) }
            return state.refusesToOpen
        }
        if isRefused { return completion(.failure(.unavailable)) }
        base.open(channel, sink: sink, completion: completion)
    }

    func report(subscriptions: Int, version: UInt64, to channel: ChannelAddress, sink: any ChannelSink) {
        base.report(subscriptions: subscriptions, version: version, to: channel, sink: sink)
    }

    func close(_ channel: ChannelAddress, sink: any ChannelSink) {
        state.withLock { $0.opened.removeAll { $0.channel == channel && $0.sink === sink } }
        base.close(channel, sink: sink)
    }

    func history(
        _ channel: ChannelAddress, since offset: UInt64?, limit: Int,
        completion: @escaping @Sendable (Result<HistoryPage, EngineError>) -> Void
    ) {
        let isHeld = state.withLock { state in
            if state.isHeld {
                state.held.append { [self] in history(channel, since: offset, limit: limit, completion: completion) }
            }
            return state.isHeld
        }
        if !isHeld { base.history(channel, since: offset, limit: limit, completion: completion) }
    }

    func newest(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<HistoryPage.Entry?, EngineError>) -> Void
    ) { base.newest(channel, completion: completion) }

    func enter(
        _ channel: ChannelAddress, identity: Identity, connection: ConnectionID, maximumMembers: Int,
        completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) {
        base.enter(
            channel, identity: identity, connection: connection, maximumMembers: maximumMembers, completion: completion)
    }

    func leave(_ channel: ChannelAddress, connection: ConnectionID) { base.leave(channel, connection: connection) }

    func members(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) { base.members(channel, completion: completion) }

    func occupancy(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<Occupancy, EngineError>) -> Void
    ) { base.occupancy(channel, completion: completion) }

    func channels(
        in namespace: [UInt8], prefix: [UInt8],
        completion: @escaping @Sendable (Result<[(name: ChannelName, occupancy: Occupancy)], EngineError>) -> Void
    ) { base.channels(in: namespace, prefix: prefix, completion: completion) }

    func tick() { base.tick() }

    func stop() { base.stop() }
}
