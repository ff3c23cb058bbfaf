import NIOCore
import NIOHTTP1
import WebSocketCompression
import WebSocketCore

/// Sends the opening request of a client and checks the answer (RFC 6455 §4.1); then the frames take over.
final class ClientHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let gate: ResponseGate
    private let loop: LoopContext
    private let handshake: ClientHandshake
    private let offer: CompressionOffer?
    private let limits: ConnectionLimits
    private let makeSession: (String?) -> WebSocketSession
    private let decoder: ByteToMessageHandler<HTTPResponseDecoder>
    private let encoder: HTTPRequestEncoder
    private var opened: EventLoopPromise<Void>?
    private var deadline: Scheduled<Void>?

    init(
        gate: ResponseGate, loop: LoopContext, handshake: ClientHandshake, offer: CompressionOffer?,
        limits: ConnectionLimits, decoder: ByteToMessageHandler<HTTPResponseDecoder>, encoder: HTTPRequestEncoder,
        opened: EventLoopPromise<Void>, makeSession: @escaping (String?) -> WebSocketSession
    ) {
        self.gate = gate
        self.loop = loop
        self.handshake = handshake
        self.offer = offer
        self.limits = limits
        self.decoder = decoder
        self.encoder = encoder
        self.opened = opened
        self.makeSession = makeSession
    }

    func channelActive(context: ChannelHandlerContext) {
        let request = handshake.request
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: request.target,
            headers: HTTPHeaders(request.fields.all.map { ($0.name, $0.value) }))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), opened != nil else { return }
        do {
            let fields = HeaderFields(head.headers.map { (name: $0.name, value: $0.value) })
            let answer = try handshake.validate(status: Int(head.status.code), fields: fields)
            let codecs = try loop.compression.confirm(answer.extensions, for: offer)
            open(context, subprotocol: answer.subprotocol, codecs: codecs)
        } catch {
            fail(context, error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context, WebSocketError.connectionClosedDuringHandshake)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            fail(context, WebSocketError.connectionClosedDuringHandshake)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, error is HTTPParserError ? WebSocketError.responseInvalid : error)
    }

    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        let promise = opened
        opened = nil
        promise?.fail(error)
        context.close(promise: nil)
    }

    private func open(_ context: ChannelHandlerContext, subprotocol: String?, codecs: CompressionCodecs?) {
        let promise = opened
        opened = nil
        let pipeline = context.pipeline.syncOperations
        let channel = context.channel
        // The decoder leaves at the end of this tick; until then the gate holds back what arrives.
        EventLoopFuture.andAllComplete(
            [pipeline.removeHandler(encoder), pipeline.removeHandler(decoder), pipeline.removeHandler(self)],
            on: context.eventLoop
        ).assumeIsolated().whenSuccess { [loop, limits, gate, makeSession] in
            guard channel.isActive else {
                promise?.fail(WebSocketError.connectionClosedDuringHandshake)
                return
            }
            let handler = FrameHandler(
                role: .client, loop: loop, limits: limits, codecs: codecs, session: makeSession(subprotocol),
                isPlain: true)
            do {
                let held = gate.takeHeld()
                try pipeline.addHandler(handler)
                promise?.succeed()
                pipeline.removeHandler(gate, promise: nil)
                if let held { pipeline.fireChannelRead(NIOAny(held)) }
                pipeline.fireChannelReadComplete()
                if gate.inputHasEnded { pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
            } catch {
                promise?.fail(error)
                channel.close(promise: nil)
            }
        }
    }
}

@available(*, unavailable)
extension ClientHandshakeHandler: Sendable {}
