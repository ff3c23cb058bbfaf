import Channels

/// One node's way to the shared store, across a network that a seed makes worse.
///
/// It keeps to what ``Engine`` promises of an engine that may lose things, and to no more. Requests and answers are late
/// or lost, and then a request has the outcome ``EngineError/unavailable``, done or not. What a node says of itself (its
/// sinks, counts, presence) travels in one order and is repeated until it arrives, as on a connection. What sinks are
/// told may be lost, doubled, late and out of order, and nobody says so, unless the connection is made anew.
///
/// Single-threaded, like everything in a run.
final class SimulatedEngine: Engine, @unchecked Sendable {
    /// After so long without an answer a request has failed, in microseconds.
    static let timeout: UInt64 = 2_000_000

    let host: StoreHost
    let process: SimulatedProcess
    /// Whether calls go straight through, as they do in one process with its store: then nothing is lost.
    let isLossless: Bool
    var faults = EngineFaults.none
    /// Nothing comes through until ``reconnect()``.
    var isCut = false
    private let scheduler: Scheduler
    private var random: SeededRandom
    private var store: (any Engine)?
    private let nodeID: UInt64
    private var proxies: [ProxyKey: SinkProxy] = [:]
    private var lastOutward: UInt64 = 0
    private var lastInward: UInt64 = 0
    private var unsent: [(any Engine) -> Void] = []
    /// Grows when the connection is made anew: what was on its way on the one before never arrives.
    private var connection = 0
    private var connectedLife: Int
    private var proxyCount = 0

    private struct ProxyKey: Hashable {
        let address: ChannelAddress
        let sink: ObjectIdentifier
    }

    /// Told what the store observes through this node.
    private weak var observer: (any EngineObserver)?

    init(
        host: StoreHost, process: SimulatedProcess, isLossless: Bool, observer: any EngineObserver,
        random: SeededRandom
    ) {
        self.host = host
        self.process = process
        self.isLossless = isLossless
        self.random = random
        scheduler = host.scheduler
        nodeID = self.random.next()
        self.observer = observer
        connectedLife = host.life
        store = host.connect(nodeID, observer: observer)
    }

    /// Whether everything that this node has said of itself has arrived.
    var isSettled: Bool { unsent.isEmpty }

    // MARK: What the network does

    /// How long a message takes, in microseconds.
    private func delay() -> UInt64 {
        let usual = UInt64(faults.usual / 2 + random.below(faults.usual))
        return random.chance(faults.slow) ? usual + UInt64(random.below(faults.longest)) : usual
    }

    private var isLost: Bool { isCut || random.chance(faults.lost) }

    /// Asks the store for something that has an answer.
    ///
    /// - Parameter inOrder: after everything that this node has said of itself, and before all that it says later.
    private func ask<Answer: Sendable>(
        _ what: @autoclosure @escaping @Sendable () -> String, inOrder: Bool = false,
        _ request: @escaping (any Engine, @escaping @Sendable (Result<Answer, EngineError>) -> Void) -> Void,
        completion: @escaping @Sendable (Result<Answer, EngineError>) -> Void
    ) {
        if isLossless {
            guard let store else { return completion(.failure(.unavailable)) }
            return request(store, completion)
        }
        let deadline = scheduler.now + Self.timeout
        let fail = { @Sendable [self] in
            scheduler.note("node \(process.index) will have no answer: \(what())")
            scheduler.schedule(.toNode, process.index, at: deadline, on: process) {
                completion(.failure(.unavailable))
            }
        }
        guard !isLost else { return fail() }
        var arrival = scheduler.now + delay()
        if inOrder {
            arrival = max(arrival, lastOutward + 1)
            lastOutward = arrival
        }
        scheduler.schedule(.toStore, process.index, at: arrival) { [self] in
            guard let store, !isCut else { return fail() }
            scheduler.note("the store is asked by node \(process.index): \(what())")
            request(store) { [self] answer in
                let arrival = scheduler.now + delay()
                guard !isLost, arrival < deadline else { return fail() }
                let connection = connection
                scheduler.schedule(.toNode, process.index, at: arrival, on: process) { [self] in
                    guard connection == self.connection else { return fail() }
                    scheduler.note("node \(process.index) is answered: \(what()): \(short(answer))")
                    completion(answer)
                }
            }
        }
    }

    /// Tells the store something that must arrive, in the order in which it was said.
    private func tell(
        _ what: @autoclosure @escaping () -> String, _ message: @escaping (any Engine) -> Void
    ) {
        if isLossless {
            if let store { message(store) }
            return
        }
        let arrival = max(scheduler.now + delay(), lastOutward + 1)
        lastOutward = arrival
        scheduler.schedule(.toStore, process.index, at: arrival) { [self] in
            if let store, !isCut {
                scheduler.note("the store is told by node \(process.index): \(what())")
                return message(store)
            }
            // It is said again when the connection stands again, by who has not died meanwhile.
            if process.isAlive { unsent.append(message) }
        }
    }

    /// What a sink is told, on its way to the node.
    ///
    /// - Parameter what: what it is, in words.
    func carry(
        _ proxy: SinkProxy, _ what: @autoclosure @escaping () -> String, isReliable: Bool = false,
        repeats: Bool = true,
        _ message: @escaping (any ChannelSink) -> Void
    ) {
        if isLossless {
            if !proxy.isClosed { message(proxy.sink) }
            return
        }
        guard process.isAlive, isReliable || !isCut && !random.chance(faults.dropped) else {
            return scheduler.note("node \(process.index) does not hear of \(words(proxy.address)): \(what())")
        }
        var copies = repeats && random.chance(faults.duplicated) ? 2 : 1
        while copies > 0 {
            copies -= 1
            let late = delay()
            // In order as a rule; a slow one is overtaken.
            var arrival = scheduler.now + late
            if late <= UInt64(2 * faults.usual) {
                arrival = max(arrival, lastInward + 1)
                lastInward = arrival
            }
            let connection = connection
            scheduler.schedule(.sink, process.index, at: arrival, on: process) { [self] in
                guard connection == self.connection else { return }
                scheduler.note("node \(process.index) hears of \(words(proxy.address)): \(what())")
                if !proxy.isClosed { message(proxy.sink) }
            }
        }
    }

    /// The newest count on its way to the node; it is asked for when the message is due, so that none is outdated.
    func carryCount(_ count: Int, to proxy: SinkProxy) {
        if isLossless {
            if !proxy.isClosed { proxy.sink.subscriptionsChanged(to: count) }
            return
        }
        let isUnderWay = proxy.count != nil
        proxy.count = count
        guard !isUnderWay else { return }
        let connection = connection
        scheduler.schedule(.sink, process.index, after: delay(), on: process) { [self] in
            guard connection == self.connection, let count = proxy.count else { return }
            proxy.count = nil
            if !proxy.isClosed { proxy.sink.subscriptionsChanged(to: count) }
        }
    }

    /// The connection is made anew, perhaps with another life of the store: sinks are opened once more, what was not
    /// sent is sent, and the sinks are told.
    func reconnect() {
        guard process.isAlive, host.isRunning else { return }
        isCut = false
        connection += 1
        if connectedLife != host.life {
            store = host.connect(nodeID, observer: observer)
            connectedLife = host.life
            for proxy in proxies.values { proxy.isOpen = false }
        }
        guard let store else { return }
        for proxy in proxies.values { proxy.count = nil }
        let open = proxies.values.filter(\.wasOpened).sorted { $0.number < $1.number }
        for proxy in open where !proxy.isOpen {
            proxy.isOpen = true
            store.open(proxy.address, sink: proxy) { _ in }
        }
        let messages = unsent
        unsent = []
        for message in messages { message(store) }
        // Before anything that comes on the new connection, and by the node's own half of the adapter.
        scheduler.schedule(.sink, process.index, after: 0, on: process) { [scheduler, process] in
            scheduler.note("node \(process.index) is connected anew")
            for proxy in open where !proxy.isClosed { proxy.sink.interrupted() }
        }
        for proxy in open {
            host.auditOccupancy(proxy.address).map { carryCount($0.subscriptions, to: proxy) }
        }
    }

    /// The store has died, with all that it knew.
    func storeIsGone() {
        store = nil
        isCut = true
    }

    /// The node has died: its connection with it.
    func disconnect() {
        store = nil
        proxies = [:]
        unsent = []
    }

    private func proxy(_ address: ChannelAddress, _ sink: any ChannelSink) -> SinkProxy {
        let key = ProxyKey(address: address, sink: ObjectIdentifier(sink))
        if let proxy = proxies[key] { return proxy }
        proxyCount += 1
        let proxy = SinkProxy(address, sink, number: proxyCount, of: self)
        proxies[key] = proxy
        return proxy
    }
}

// MARK: Engine

extension SimulatedEngine {
    func publish(
        _ request: PublishRequest, completion: @escaping @Sendable (Result<[Position], EngineError>) -> Void
    ) {
        nonisolated(unsafe) let host = host
        ask("publish \(words(request))") { store, answer in
            store.publish(request) { result in
                host.truth.published(request, result, at: host.milliseconds)
                answer(result)
            }
        } completion: {
            completion($0)
        }
    }

    func relay(_ publication: Publication, to channel: ChannelAddress) {
        if isLossless {
            store?.relay(publication, to: channel)
            return
        }
        guard !isLost else { return }
        scheduler.schedule(.toStore, process.index, after: delay()) { [self] in
            if !isCut { store?.relay(publication, to: channel) }
        }
    }

    func open(
        _ channel: ChannelAddress, sink: any ChannelSink,
        completion: @escaping @Sendable (Result<Position, EngineError>) -> Void
    ) {
        let proxy = proxy(channel, sink)
        nonisolated(unsafe) let host = host
        ask("open \(words(channel))", inOrder: true) { store, answer in
            (proxy.isOpen, proxy.wasOpened) = (true, true)
            store.open(channel, sink: proxy) { result in
                if case .success(let top) = result { host.truth.learn(top.epoch, of: channel) }
                answer(result)
            }
        } completion: {
            completion($0)
        }
    }

    func report(subscriptions: Int, version: UInt64, to channel: ChannelAddress, sink: any ChannelSink) {
        let proxy = proxy(channel, sink)
        tell("\(subscriptions) in \(words(channel)) (\(version))") {
            $0.report(subscriptions: subscriptions, version: version, to: channel, sink: proxy)
        }
    }

    func close(_ channel: ChannelAddress, sink: any ChannelSink) {
        let proxy = proxy(channel, sink)
        proxy.isClosed = true
        proxies[ProxyKey(address: channel, sink: ObjectIdentifier(sink))] = nil
        tell("close \(words(channel))") { $0.close(channel, sink: proxy) }
    }

    func history(
        _ channel: ChannelAddress, since offset: UInt64?, limit: Int,
        completion: @escaping @Sendable (Result<HistoryPage, EngineError>) -> Void
    ) {
        nonisolated(unsafe) let host = host
        ask("history of \(words(channel)) since \(offset ?? 0) limit \(limit)") { store, answer in
            store.history(channel, since: offset, limit: limit) { result in
                if case .success(let page) = result { host.truth.learn(page.top.epoch, of: channel) }
                answer(result)
            }
        } completion: {
            completion($0)
        }
    }

    func newest(
        _ channel: ChannelAddress,
        completion: @escaping @Sendable (Result<HistoryPage.Entry?, EngineError>) -> Void
    ) {
        ask("newest of \(words(channel))", { $0.newest(channel, completion: $1) }, completion: completion)
    }

    func enter(
        _ channel: ChannelAddress, identity: Identity, connection: ConnectionID, maximumMembers: Int,
        completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) {
        ask("enter \(words(channel)) as \(String(decoding: identity.id, as: UTF8.self))", inOrder: true) {
            $0.enter(
                channel, identity: identity, connection: connection, maximumMembers: maximumMembers, completion: $1)
        } completion: {
            completion($0)
        }
    }

    func leave(_ channel: ChannelAddress, connection: ConnectionID) {
        tell("leave \(words(channel))") { $0.leave(channel, connection: connection) }
    }

    func members(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) {
        ask("members of \(words(channel))", { $0.members(channel, completion: $1) }, completion: completion)
    }

    func occupancy(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<Occupancy, EngineError>) -> Void
    ) {
        ask("occupancy", { $0.occupancy(channel, completion: $1) }, completion: completion)
    }

    func channels(
        in namespace: [UInt8], prefix: [UInt8],
        completion: @escaping @Sendable (Result<[(name: ChannelName, occupancy: Occupancy)], EngineError>) -> Void
    ) {
        ask("channels", { $0.channels(in: namespace, prefix: prefix, completion: $1) }, completion: completion)
    }

    func tick() {
        if isLossless {
            store?.tick()
            return
        }
        guard !isLost else { return }
        scheduler.schedule(.toStore, process.index, after: delay()) { [self] in
            if !isCut { store?.tick() }
        }
    }

    func stop() { tell("stop") { $0.stop() } }
}

/// An answer in short, for messages.
private func short<Answer>(_ answer: Result<Answer, EngineError>) -> String {
    switch answer {
    case .failure(let error): "\(error)"
    case .success(let page as HistoryPage):
        "\(page.entries.map(\.offset)), top \(words(page.top)), oldest \(page.oldest)"
    case .success(let snapshot as PresenceSnapshot):
        "\(snapshot.members.map { String(decoding: $0.id, as: UTF8.self) }), version \(snapshot.version)"
    case .success(let positions as [Position]): words(positions)
    case .success(let position as Position): words(position)
    case .success(let other): "\(other)"
    }
}

/// What is published, for messages.
private func words(_ request: PublishRequest) -> String {
    request.entries.map { entry in
        "\(String(decoding: entry.publication.data.prefix(8), as: UTF8.self)) to "
            + String(decoding: entry.channel.bytes, as: UTF8.self)
    }.joined(separator: ", ")
}
