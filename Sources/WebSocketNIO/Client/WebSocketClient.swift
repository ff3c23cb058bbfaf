import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
public import NIOPosix
import WebSocketCompression
public import WebSocketCore

/// Connects to WebSocket servers on SwiftNIO. May be used from any task.
public final class WebSocketClient: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let configuration: WebSocketClientConfiguration
    private let budget = CompressionBudget()
    private let loops = NIOLockedValueBox<[ObjectIdentifier: NIOLoopBound<LoopContext>]>([:])

    /// A client that connects with `configuration` on the loops of `group`, which stays the caller's.
    public init(
        configuration: WebSocketClientConfiguration = WebSocketClientConfiguration(),
        group: MultiThreadedEventLoopGroup = .singleton
    ) {
        self.configuration = configuration
        self.group = group
    }

    /// Connects and gives the connection on its asynchronous face.
    ///
    /// - Parameter url: `ws://host[:port]/path?query` (RFC 6455 §3).
    /// - Throws: `InvalidWebSocketURL`, `HandshakeFailure` when the server answers anything but a valid 101,
    ///   ``WebSocketError`` or `IOError`.
    public func connect(to url: String) async throws -> AsyncWebSocket {
        let eventLoop = group.next()
        let socket = eventLoop.makePromise(of: AsyncWebSocket.self)
        do {
            try await open(WebSocketURL(url), on: eventLoop) { subprotocol in
                AsyncSession(loop: NIOWebSocketLoop(eventLoop), subprotocol: subprotocol) { socket.succeed($0) }
            }
        } catch {
            socket.fail(error)
        }
        return try await socket.futureResult.get()
    }

    /// Connects and lets `makeSession` handle the connection on its loop: the synchronous face.
    ///
    /// - Parameters:
    ///   - url: `ws://host[:port]/path?query` (RFC 6455 §3).
    ///   - makeSession: gets the subprotocol that the server chose; called on the connection's loop.
    /// - Throws: as ``connect(to:)``.
    public func connect(
        to url: String, makeSession: @escaping @Sendable (_ subprotocol: String?) -> WebSocketSession
    ) async throws {
        try await open(WebSocketURL(url), on: group.next(), makeSession: makeSession)
    }

    private func open(
        _ url: WebSocketURL, on eventLoop: any EventLoop,
        makeSession: @escaping @Sendable (String?) -> WebSocketSession
    ) async throws {
        guard url.scheme == .ws else { throw WebSocketError.tlsUnavailable }
        let configuration = configuration
        // What can not be sent is told before anything is.
        _ = try ClientHandshake(
            url: url, nonce: [UInt8](repeating: 0, count: 16), subprotocols: configuration.subprotocols,
            origin: configuration.origin, extraFields: configuration.fields)
        let opened = eventLoop.makePromise(of: Void.self)
        let deadline = eventLoop.scheduleTask(in: connectTimeout) { opened.fail(WebSocketError.connectTimeout) }
        let channel: any Channel
        do {
            channel = try await bootstrap(url, on: eventLoop, opened, makeSession)
                .connect(host: url.host, port: url.port).get()
        } catch {
            deadline.cancel()
            let isTimeout = (error as? ChannelError).map { if case .connectTimeout = $0 { true } else { false } }
            let system = (error as? NIOConnectionError)?.connectionErrors.last?.error
            let cause: any Error = isTimeout == true ? WebSocketError.connectTimeout : system ?? error
            opened.fail(cause)
            throw cause
        }
        do {
            try await opened.futureResult.get()
            deadline.cancel()
        } catch {
            deadline.cancel()
            channel.close(promise: nil)
            throw error
        }
    }

    /// How long opening a connection may take.
    var connectTimeout: TimeAmount { .milliseconds(Int64(clamping: configuration.connectTimeout)) }

    /// A bootstrap whose channels do the opening handshake for `url`; `opened` is completed when it is over.
    func bootstrap(
        _ url: WebSocketURL, on eventLoop: any EventLoop, _ opened: EventLoopPromise<Void>,
        _ makeSession: @escaping @Sendable (String?) -> WebSocketSession
    ) -> ClientBootstrap {
        ClientBootstrap(group: eventLoop)
            .connectTimeout(connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: ReceiveAllocator())
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try install(on: channel, url, configuration, opened, makeSession)
                }
            }
    }

    private func install(
        on channel: any Channel, _ url: WebSocketURL, _ configuration: WebSocketClientConfiguration,
        _ opened: EventLoopPromise<Void>, _ makeSession: @escaping @Sendable (String?) -> WebSocketSession
    ) throws {
        let loop = context(of: channel.eventLoop).value
        let offer = loop.compression.offer()
        var random = SystemRandomNumberGenerator()
        let handshake = try ClientHandshake(
            url: url, nonce: (0..<16).map { _ in random.next() }, subprotocols: configuration.subprotocols,
            extensionOffers: offer.map { [$0.element] } ?? [], origin: configuration.origin,
            extraFields: configuration.fields)
        let gate = ResponseGate()
        let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes))
        let encoder = HTTPRequestEncoder()
        let handler = ClientHandshakeHandler(
            gate: gate, loop: loop, handshake: handshake, offer: offer, limits: configuration.limits,
            decoder: decoder, encoder: encoder, opened: opened, makeSession: makeSession)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(gate)
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(decoder)
        try pipeline.addHandler(handler)
    }

    /// The shared part of a loop's connections; made on the loop, when its first connection is.
    private func context(of eventLoop: any EventLoop) -> NIOLoopBound<LoopContext> {
        loops.withLockedValue { loops in
            if let loop = loops[ObjectIdentifier(eventLoop)] { return loop }
            let loop = NIOLoopBound(
                LoopContext(
                    eventLoop: eventLoop, compression: CompressionContext(configuration.compression, budget: budget),
                    assemblyBudget: .max),
                eventLoop: eventLoop)
            loops[ObjectIdentifier(eventLoop)] = loop
            return loop
        }
    }
}
