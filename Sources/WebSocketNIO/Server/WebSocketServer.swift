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
        var loops: [NIOLoopBound<LoopContext>]
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
    /// - Throws: ``WebSocketError/alreadyStarted``; `IOError` when the port is in use (`EADDRINUSE`) or not permitted (`EACCES`), or when the host is
    ///   unknown.
    @discardableResult
    public func start() async throws -> BoundAddress {
        guard started.withLockedValue({ $0 == nil }) else { throw WebSocketError.alreadyStarted }
        let configuration = configuration
        let budget = CompressionBudget(bytes: configuration.compressionBudget)
        let eventLoops = Array(group.makeIterator())
        var loops: [NIOLoopBound<LoopContext>] = []
        for eventLoop in eventLoops {
            let loop = try await eventLoop.submit {
                NIOLoopBound(
                    LoopContext(
                        eventLoop: eventLoop,
                        compression: CompressionContext(configuration.compression, budget: budget),
                        assemblyBudget: configuration.assemblyBudget / eventLoops.count),
                    eventLoop: eventLoop)
            }.get()
            loops.append(loop)
        }
        let contexts = Dictionary(
            uniqueKeysWithValues: zip(eventLoops.map { ObjectIdentifier($0) }, loops))
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: ReceiveAllocator())
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = contexts[ObjectIdentifier(channel.eventLoop)] else { return }
                    try FrontDoorHandler.install(on: channel, loop: loop.value, configuration: configuration)
                }
            }
            .bind(host: configuration.host, port: configuration.port).get()
        started.withLockedValue { $0 = Started(listener: listener, loops: loops) }
        return BoundAddress(
            host: listener.localAddress?.ipAddress ?? configuration.host,
            port: listener.localAddress?.port ?? configuration.port)
    }

    /// How many WebSocket connections are open.
    public func connectionCount() async -> Int {
        var count = 0
        for loop in started.withLockedValue({ $0?.loops ?? [] }) {
            count += (try? await loop.eventLoop.submit { loop.value.connections.count }.get()) ?? 0
        }
        return count
    }

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
        for loop in started.loops {
            try? await loop.eventLoop.submit {
                loop.value.stop(CloseFrame(code: code, reason: reason))
            }.get()
        }
        let deadline = ContinuousClock.now + time
        for loop in started.loops {
            while ContinuousClock.now < deadline {
                let isIdle = (try? await loop.eventLoop.submit { loop.value.connections.isEmpty }.get()) ?? true
                if isIdle { break }
                // Not Task.sleep, which does not wait in a task that was cancelled.
                try? await loop.eventLoop.scheduleTask(in: .milliseconds(20)) {}.futureResult.get()
            }
            try? await loop.eventLoop.submit {
                for connection in loop.value.connections { connection.cutOff() }
            }.get()
        }
    }
}
