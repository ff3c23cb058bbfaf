import NIOCore
import NIOHTTP1
import NIOPosix
import WebSocketCompression
import WebSocketCore

/// How a connection becomes a WebSocket (RFC 6455 §4.2.2), whatever it has served before.
extension FrontDoorHandler {
    /// Answers with 101 and gives the connection to the carrier, or keeps it on this loop.
    func accept(
        _ request: OpeningRequest, _ route: WebSocketRoute, _ handshake: AcceptedHandshake,
        _ context: ChannelHandlerContext
    ) {
        isEnding = true
        isUpgraded = true
        let compression = loop.compression.agree(handshake.extensionOffers)
        let fields = handshake.responseFields(extensions: compression.map { [$0.response] } ?? [])
        let head = HTTPResponseHead(
            version: .http1_1, status: .switchingProtocols, headers: HTTPHeaders(fields.map { ($0.name, $0.value) }))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let remoteAddress = clientAddress?.socketAddress ?? context.remoteAddress
        let countedAddress = lease.flatMap { state.doorkeeper.countedAddress(of: $0) }
        let accepted: @Sendable (any WebSocketLoop) -> AcceptedRequest = { loop in
            AcceptedRequest(
                head: request, subprotocol: handshake.subprotocol, remoteAddress: remoteAddress,
                countedAddress: countedAddress, loop: loop)
        }
        lease?.clientAddress = clientAddress?.text
        let channel = context.channel
        let written = context.eventLoop.makePromise(of: Void.self)
        // The gate holds back what arrives meanwhile; the deadline goes on.
        written.futureResult.assumeIsolated().whenSuccess { [self] in
            guard self.context != nil else { return }
            deadline?.cancel()
            let isHandedOver =
                handOver?.take(
                    channel, route: route, agreement: compression?.agreement, lease: lease,
                    received: { gate.takeHeld() }, request: accepted) ?? false
            if isHandedOver { return }
            if hasService {
                moveOn(route, compression?.agreement, accepted)
            } else {
                carry(route, compression?.agreement, accepted)
            }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    /// Keeps a connection on this loop that has served an ``HTTPService``, in a fresh channel: the service's handlers do
    /// not leave a pipeline, but see their channel end.
    private func moveOn(
        _ route: WebSocketRoute, _ agreement: CompressionAgreement?,
        _ accepted: @escaping @Sendable (any WebSocketLoop) -> AcceptedRequest
    ) {
        guard let context else { return }
        let channel = context.channel
        guard let bootstrap = ClientBootstrap(validatingGroup: context.eventLoop),
            let descriptor = HandOver.duplicate(channel)
        else { return channel.close(promise: nil) }
        let loop = loop
        // Nothing is read before the handler is in its place.
        bootstrap.channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: ReceiveAllocator())
            .channelOption(.allowRemoteHalfClosure, value: true)
            .withConnectedSocket(descriptor)
            .assumeIsolated().whenComplete { [self, lease] result in
                // Only now, so that there is no moment at which nothing counts the connection.
                defer { channel.close(promise: nil) }
                guard case .success(let fresh) = result else { return }
                if let lease { fresh.closeFuture.whenComplete { _ in withExtendedLifetime(lease) {} } }
                let handler = makeHandler(route, agreement, accepted)
                do {
                    try fresh.pipeline.syncOperations.addHandler(handler)
                    if let held = gate.takeHeld() { fresh.pipeline.syncOperations.fireChannelRead(NIOAny(held)) }
                    fresh.pipeline.syncOperations.fireChannelReadComplete()
                    if let farewell = loop.farewell { handler.bid(farewell) }
                    try fresh.syncOptions?.setOption(.autoRead, value: true)
                } catch {
                    fresh.close(promise: nil)
                }
            }
    }

    private func makeHandler(
        _ route: WebSocketRoute, _ agreement: CompressionAgreement?,
        _ accepted: @Sendable (any WebSocketLoop) -> AcceptedRequest
    ) -> FrameHandler {
        FrameHandler(
            role: .server, loop: loop, limits: route.limits, codecs: agreement.map { loop.compression.codecs(for: $0) },
            session: route.makeSession(accepted(loop.webSocketLoop)), isPlain: true, clientAddress: clientAddress?.text)
    }

    /// Keeps the connection on this loop: the handlers of the front door leave, and frames are read from here on.
    private func carry(
        _ route: WebSocketRoute, _ agreement: CompressionAgreement?,
        _ accepted: @escaping @Sendable (any WebSocketLoop) -> AcceptedRequest
    ) {
        guard let context else { return }
        let pipeline = context.pipeline.syncOperations
        let channel = context.channel
        let gate = gate
        let loop = loop
        isMovingOn = true
        if let lease { channel.closeFuture.whenComplete { _ in withExtendedLifetime(lease) {} } }
        // The decoder leaves at the end of this tick; until then the gate holds back what arrives.
        EventLoopFuture.andAllComplete(
            [pipeline.removeHandler(encoder), pipeline.removeHandler(decoder), pipeline.removeHandler(self)],
            on: context.eventLoop
        ).assumeIsolated().whenComplete { [self] result in
            defer { leave() }
            guard case .success = result, channel.isActive else { return channel.close(promise: nil) }
            let handler = makeHandler(route, agreement, accepted)
            let held = gate.takeHeld()
            do {
                try pipeline.addHandler(handler)
            } catch {
                return channel.close(promise: nil)
            }
            pipeline.removeHandler(gate, promise: nil)
            if let held { pipeline.fireChannelRead(NIOAny(held)) }
            pipeline.fireChannelReadComplete()
            if gate.inputHasEnded { pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
            if let farewell = loop.farewell { handler.bid(farewell) }
            channel.read()
        }
    }
}
