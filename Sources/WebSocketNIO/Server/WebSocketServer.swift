import NIOConcurrencyHelpers
import NIOCore
public import NIOPosix
import WebSocketCompression
public import WebSocketCore

/// A WebSocket server on SwiftNIO: accepts, does the opening handshake, and moves messages for sessions.
///
/// `start()` listens, `stop(code:reason:within:)` ends everything; both may be called from any task.
public final class WebSocketServer: Sendable {
    private struct Started {
        var listener: any Channel
        var state: DoorState
        var loops: [NIOLoopBound<LoopContext>]
        /// The pipes by which loops hear of their polls.
        var signals: [any Channel]
    }

    private let configuration: WebSocketServerConfiguration
    private let group: MultiThreadedEventLoopGroup
    private let started = NIOLockedValueBox<Started?>(nil)

    /// A server that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: where to listen and what to serve.
    ///   - group: the loops that carry the connections; the caller's, it is not shut down here.
    public init(
        configuration: WebSocketServerConfiguration, group: MultiThreadedEventLoopGroup = .singleton
    ) {
        self.configuration = configuration
        self.group = group
    }

    /// Listens.
    ///
    /// - Returns: the address with the port that was bound.
    /// - Throws: ``WebSocketError/alreadyStarted``; ``WebSocketError/limitBelowOne(_:)``; `IOError` when the
    ///   port is in use (`EADDRINUSE`) or not permitted (`EACCES`), or when the host is unknown.
    @discardableResult
    public func start() async throws -> BoundAddress {
        guard started.withLockedValue({ $0 == nil }) else { throw WebSocketError.alreadyStarted }
        let configuration = configuration
        if let name = configuration.accept.nameOfZero { throw WebSocketError.limitBelowOne(name) }
        let budget = CompressionBudget(bytes: configuration.compressionBudget)
        let outputBudget = configuration.outputBudget
        let eventLoops = Array(group.makeIterator())
        var loops: [NIOLoopBound<LoopContext>] = []
        for eventLoop in eventLoops {
            let loop = try await eventLoop.submit {
                NIOLoopBound(
                    LoopContext(
                        eventLoop: eventLoop,
                        compression: CompressionContext(configuration.compression, budget: budget),
                        assemblyBudget: configuration.assemblyBudget / eventLoops.count,
                        outputBudget: outputBudget, onSlowReader: configuration.onSlowReader,
                        onRefusal: configuration.onRefusal),
                    eventLoop: eventLoop)
            }.get()
            loops.append(loop)
        }
        let contexts = Dictionary(
            uniqueKeysWithValues: zip(eventLoops.map { ObjectIdentifier($0) }, loops))
        let compression = LoopLocal { _ in CompressionContext(configuration.compression, budget: budget) }
        var signals: [any Channel] = []
        do {
            for loop in loops { signals.append(try await Self.openSignal(of: loop)) }
            try configuration.carrier?.start(
                CarrierEnvironment(
                    outputBudget: outputBudget, assemblyBudget: configuration.assemblyBudget,
                    onSlowReader: configuration.onSlowReader, onRefusal: configuration.onRefusal))
        } catch {
            await Self.close(signals)
            throw error
        }
        let state = DoorState(configuration, descriptors: Descriptors.roomForConnections())
        let listener: any Channel
        do {
            listener = try await bind(
                contexts, state, HandOver(carrier: configuration.carrier, compression: compression),
                census: { [loops] in
                    await Self.count(loops, configuration.carrier) { $0.visitors.count + $0.connectionCount }
                })
        } catch {
            await configuration.carrier?.stop(CloseFrame(code: .goingAway), within: .zero)
            await Self.close(signals)
            throw error
        }
        started.withLockedValue { $0 = Started(listener: listener, state: state, loops: loops, signals: signals) }
        return BoundAddress(
            host: listener.localAddress?.ipAddress ?? configuration.host,
            port: listener.localAddress?.port ?? configuration.port)
    }

    private static func openSignal(of loop: NIOLoopBound<LoopContext>) async throws -> any Channel {
        let (signal, channel) = try await PollSignal.open(on: loop.eventLoop)
        try await loop.eventLoop.submit { loop.value.afterPoll.use(signal.value) }.get()
        return channel
    }

    private static func close(_ signals: [any Channel]) async {
        for signal in signals { try? await signal.close() }
    }

    private func bind(
        _ contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>], _ state: DoorState, _ handOver: HandOver?,
        census: @escaping @Sendable () async -> Int
    ) async throws -> any Channel {
        let configuration = configuration
        let loops = Array(contexts.values)
        let onFull: @Sendable () -> Void = {
            // Connections that are kept without a request make room for those that have one.
            for loop in loops { loop.eventLoop.execute { loop.value.closeIdleVisitors() } }
        }
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One at first: the gate sees to it that there are never more than there is room for.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptGate(
                            doorkeeper: state.doorkeeper, census: census, onFull: onFull,
                            onPause: configuration.onAcceptPaused))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: ReceiveAllocator())
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let decision = state.doorkeeper.decide(channel.remoteAddress)
                    guard let loop = contexts[ObjectIdentifier(channel.eventLoop)] else { return }
                    try FrontDoorHandler.install(
                        on: channel, loop: loop.value, configuration: configuration, state: state,
                        handOver: handOver, decision: decision)
                }
            }
            .bind(host: configuration.host, port: configuration.port).get()
    }

    /// How many WebSocket connections there can be: the limit that was set, or fewer when the process may not open as many
    /// descriptors. `nil` without a limit, and when the server has not started.
    public var webSocketCapacity: Int? {
        started.withLockedValue { $0?.state.doorkeeper.capacity?.webSockets }
    }

    /// How many WebSocket connections are open.
    public func connectionCount() async -> Int {
        await Self.count(started.withLockedValue { $0?.loops ?? [] }, configuration.carrier) { $0.connectionCount }
    }

    /// Adds up what the loops have, and what the carrier has. The loops first: a connection that moves meanwhile is
    /// counted twice rather than not at all.
    private static func count(
        _ loops: [NIOLoopBound<LoopContext>], _ carrier: (any ConnectionCarrier)?,
        _ count: @escaping @Sendable (LoopContext) -> Int
    ) async -> Int {
        var sum = 0
        for loop in loops {
            sum += (try? await loop.eventLoop.submit { count(loop.value) }.get()) ?? 0
        }
        return sum + (await carrier?.connectionCount() ?? 0)
    }

    /// Prepares for ``stop(code:reason:within:)``: from here on upgrades get 503 with `Retry-After`, ordinary requests are
    /// answered, each as the last of its connection. WebSockets that are open stay; the server listens on.
    public func beginDraining() { started.withLockedValue { $0?.state.beginDraining() } }

    /// Stops listening and closes every connection.
    ///
    /// - Parameters:
    ///   - code: what the clients are told; 1001 when the server goes away (RFC 6455 §7.4.1).
    ///   - reason: words for their logs.
    ///   - time: how long the closing handshakes may take; who has not answered by then is cut off.
    public func stop(
        code: CloseCode = .goingAway, reason: String = "server is shutting down", within time: Duration = .seconds(3)
    ) async {
        guard
            let started = started.withLockedValue({ value in
                defer { value = nil }
                return value
            })
        else { return }
        try? await started.listener.close()
        let frame = CloseFrame(code: code, reason: reason)
        async let carrierHasStopped: Void? = configuration.carrier?.stop(frame, within: time)
        let farewell = Farewell(frame, within: time)
        for loop in started.loops {
            try? await loop.eventLoop.submit { loop.value.stop(farewell) }.get()
        }
        let deadline = ContinuousClock.now + time
        for loop in started.loops {
            while ContinuousClock.now < deadline {
                let isIdle = (try? await loop.eventLoop.submit { loop.value.isIdle }.get()) ?? true
                if isIdle { break }
                // Not Task.sleep, which does not wait in a task that was cancelled.
                try? await loop.eventLoop.scheduleTask(in: .milliseconds(20)) {}.futureResult.get()
            }
            try? await loop.eventLoop.submit { loop.value.cutOff() }.get()
        }
        for loop in started.loops { try? await loop.eventLoop.submit { loop.value.afterPoll.use(nil) }.get() }
        await Self.close(started.signals)
        await carrierHasStopped
    }
}
