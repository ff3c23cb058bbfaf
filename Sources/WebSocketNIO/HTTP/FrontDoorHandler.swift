import NIOCore
import NIOHTTP1
import WebSocketCompression
import WebSocketCore

/// Answers what comes before the 101: the opening handshake, or an ordinary request (RFC 6455 §4.2, RFC 9112).
///
/// One deadline runs from the accept to the end of the first request, another between requests. What an ``HTTPService``
/// claims passes through, see `FrontDoorHandler+Service`; `FrontDoorHandler+Upgrade` has the way to a WebSocket. Confined to its loop's thread.
final class FrontDoorHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    let gate: RequestGate
    let loop: LoopContext
    let configuration: WebSocketServerConfiguration
    let state: DoorState
    let handOver: HandOver?
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    let encoder: HTTPResponseEncoder
    /// What the connection holds of the server's limits.
    var lease: ConnectionLease?
    /// Whether the connection has a place of the reserve: the head has to be whole soon, and one answer is all.
    let isReserved: Bool
    /// The limit that refuses the connection or its request, which is reported by itself.
    var refusal: AcceptRefusal.Reason?
    /// The address that a trusted proxy names for the request; `nil` when that is the peer's.
    var clientAddress: IPAddress?
    private var request: OpeningRequest?
    private var upgrade: (route: WebSocketRoute, handshake: AcceptedHandshake)?
    var deadline: Scheduled<Void>?
    var isEnding = false
    private var bodyBytes = 0
    private var isAnswering = false
    private var requests = 0
    /// The request that the service is answering.
    var exchange: HTTPExchange?
    /// What is left of a request that was refused from its head, and whose body is being skipped.
    private var skipped: SkippedRequest?
    /// The handlers of the service are in the pipeline.
    var hasService = false
    /// The connection has had an answer and waits for another request.
    private var isKeptAlive = false {
        didSet { loop.idleVisitors[ObjectIdentifier(self)] = isKeptAlive ? self : nil }
    }
    /// The 101 was written: from here on the pipeline's handlers only leave.
    var isUpgraded = false
    /// It becomes a WebSocket connection on this loop: it is a visitor until it is counted as one of those.
    var isMovingOn = false
    var context: ChannelHandlerContext?

    init(
        gate: RequestGate, loop: LoopContext, configuration: WebSocketServerConfiguration, state: DoorState,
        handOver: HandOver?,
        decision: Doorkeeper.Decision, decoder: ByteToMessageHandler<HTTPRequestDecoder>,
        encoder: HTTPResponseEncoder
    ) {
        self.gate = gate
        self.loop = loop
        self.configuration = configuration
        self.state = state
        self.handOver = handOver
        lease = decision.lease
        refusal = decision.refusal
        isReserved = if case .reserved = decision { true } else { false }
        self.decoder = decoder
        self.encoder = encoder
    }

    /// Puts the handlers of a fresh connection into its pipeline.
    ///
    /// - Throws: when it is refused without an answer; the caller closes it.
    static func install(
        on channel: any Channel, loop: LoopContext, configuration: WebSocketServerConfiguration, state: DoorState,
        handOver: HandOver? = nil, decision: Doorkeeper.Decision = .admitted(nil)
    ) throws {
        guard loop.farewell == nil else { throw ChannelError.alreadyClosed }
        if let reason = decision.refusal {
            let isAnswered = if case .answered = decision { true } else { false }
            configuration.onAcceptRefused(
                AcceptRefusal(reason: reason, peer: channel.remoteAddress?.ipAddress ?? "", isAnswered: isAnswered))
            guard isAnswered else { throw ChannelError.alreadyClosed }
        }
        let gate = RequestGate(limits: configuration.http)
        // The gate lets only one request through, so that nothing is left over when the decoder goes.
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
        let encoder = HTTPResponseEncoder()
        let door = FrontDoorHandler(
            gate: gate, loop: loop, configuration: configuration, state: state, handOver: handOver,
            decision: decision, decoder: decoder, encoder: encoder)
        try channel.pipeline.syncOperations.addHandler(gate)
        try channel.pipeline.syncOperations.addHandler(encoder)
        try channel.pipeline.syncOperations.addHandler(decoder)
        try channel.pipeline.syncOperations.addHandler(door)
    }

    // MARK: - Lifecycle

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.visitors[ObjectIdentifier(self)] = self
        gate.onRefusal { [unowned self] status, words in refuse(verdict(status, words)) }
        gate.onRequest { [unowned self] in requestBegins() }
        gate.onNextRequest { [unowned self] in loop.requestTurns.takesNext(self) }
        let timeout = configuration.http.requestTimeout
        startDeadline(context, isReserved ? min(timeout, HTTPLimits.reservedHeadTimeout) : timeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
        if !isMovingOn { leave() }
    }

    /// From here on somebody else counts the connection.
    func leave() {
        loop.visitors[ObjectIdentifier(self)] = nil
        isKeptAlive = false
        lease = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if let refusal { refuse(refusal.answer) }
        context.fireChannelActive()
    }

    /// Ends a connection that has not become a WebSocket.
    func close() { context?.close(promise: nil) }

    func closeIfInputHasEnded() {
        guard gate.inputHasEnded, !isAnswering, exchange == nil, !gate.isAdvancing, !gate.waitsForTurn else { return }
        context?.close(promise: nil)
    }

    /// The next request of the connection that came with others is looked at.
    func turnCame() {
        gate.turnCame()
        closeIfInputHasEnded()
    }

    /// Ends a connection that has had its answer and waits for another request.
    func closeIfIdle() {
        guard isKeptAlive, !isEnding, !isAnswering, exchange == nil, !gate.isInsideRequest else { return }
        isKeptAlive = false
        context?.close(promise: nil)
    }

    func startDeadline(_ context: ChannelHandlerContext, _ milliseconds: UInt64) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(clamping: milliseconds))) {
            [weak self] in self?.deadlineHasPassed()
        }
    }

    func cancelDeadline() { deadline?.cancel() }

    private func requestBegins() {
        guard isKeptAlive, let context else { return }
        isKeptAlive = false
        startDeadline(context, configuration.http.requestTimeout)
    }

    private func deadlineHasPassed() {
        if !isEnding, gate.waitsForTurn, let context {
            // It is not the client who is late.
            startDeadline(context, configuration.http.requestTimeout)
        } else if !isEnding, gate.isInsideRequest, skipped == nil {
            refuse(.text(408, "The request did not arrive in time."))
        } else {
            context?.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let exchange, exchange.requestIsComplete { return }  // what follows its last request is not looked at
        if error is HTTPParserError {
            refuse(.text(400, "This is not a valid HTTP/1.1 request."))
        } else {
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            // A client may end its side behind its request; one that was answered lets go.
            closeIfInputHasEnded()
        }
    }

    // MARK: - Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isEnding else { return }
        let part = unwrapInboundIn(data)
        switch part {
        case .head(let head): return received(head)
        case .body(let bytes): bodyBytes += bytes.readableBytes
        case .end(let trailers):
            guard trailers?.count ?? 0 <= configuration.http.maximumFields else {
                return refuse(.text(431, "The request has too many trailer fields."))
            }
            if exchange == nil { return requestIsComplete(context) }
        }
        if exchange != nil { passOn(part, context) }
    }

    private func received(_ head: HTTPRequestHead) {
        guard exchange == nil, let context else { return }
        let limits = configuration.http
        guard head.uri.utf8.count <= limits.maximumTargetBytes else {
            return refuse(.text(414, "The request target is longer than \(limits.maximumTargetBytes) bytes."))
        }
        guard head.headers.count <= limits.maximumFields else {
            return refuse(.text(431, "The request has more than \(limits.maximumFields) fields."))
        }
        var head = head
        var request = OpeningRequest(
            method: head.method.rawValue, target: head.uri,
            httpVersion: (major: head.version.major, minor: head.version.minor),
            fields: HeaderFields(head.headers.map { (name: $0.name, value: $0.value) }))
        guard head.version.major == 1 else {
            return refuse(.text(505, "HTTP/1.1 is spoken here."))
        }
        if let problem = RequestFraming.problem(of: request) { return refuse(.text(400, problem)) }
        if let absolute = AbsoluteForm(request.target) {
            guard absolute.rewrite(&request) else { return refuse(.text(400, "The request target is malformed.")) }
            head.uri = request.target
            head.headers.replaceOrAdd(name: "Host", value: absolute.authority)
        }
        self.request = request
        bodyBytes = 0
        requests += 1
        guard clientIsAdmitted(request, context) else { return }
        if let route = configuration.route(request) {
            switch route.handshake.respond(to: request) {
            case .notUpgrade: break
            case .rejected(let rejection):
                let origin = rejection == .origin ? request.fields.values(of: "Origin").first : nil
                return refuse(
                    .text(rejection.status, rejection.reason, fields: rejection.fields), detail: origin ?? "")
            case .accepted where state.isDraining:
                return refuse(.draining)
            case .accepted(let handshake):
                if let lease, !state.doorkeeper.becomeWebSocket(lease) { return refuse(.connectionLimit) }
                upgrade = (route, handshake)
                return
            }
        }
        if request.method != "OPTIONS", let service = configuration.httpService,
            service.claims(HTTPRequest(head: request).path)
        {
            self.request = nil
            serve(head, request, service)
        }
    }

    private func requestIsComplete(_ context: ChannelHandlerContext) {
        if skipped != nil {
            gate.requestIsComplete()
            skipped?.bodyHasArrived = true
            return endSkipping()
        }
        guard let request else { return }
        self.request = nil
        gate.requestIsComplete()
        if let upgrade {
            self.upgrade = nil
            return accept(request, upgrade.route, upgrade.handshake, context)
        }
        let answer = answer(to: HTTPRequest(head: request))
        report(answer, "", context)
        // What follows a body has passed the gate with it: it is not looked at.
        let hasBody =
            !request.fields.values(of: "Transfer-Encoding").isEmpty
            || request.fields.values(of: "Content-Length").contains { $0 != "0" }
        write(answer, keepsAlive: mayKeepAlive(request) && answer.status < 400 && !hasBody, context)
    }

    private func answer(to request: HTTPRequest) -> HTTPAnswer {
        switch request.head.method {
        case "GET", "HEAD":
            return configuration.respond(request)
        case "OPTIONS":
            // No CORS field: pages of other origins have no business here beyond WebSockets.
            return HTTPAnswer(status: 204, fields: [("Allow", allowedMethods(of: request.path))])
        default:
            return .text(405, "Only GET and HEAD work here.", fields: [("Allow", allowedMethods(of: request.path))])
        }
    }

    /// The methods of a path, as `Allow` lists them.
    private func allowedMethods(of path: Substring) -> String {
        let service = configuration.httpService.flatMap { $0.claims(path) ? $0.methods(of: path) : nil }
        return ((service ?? ["GET", "HEAD"]) + ["OPTIONS"]).joined(separator: ", ")
    }

    /// Whether client and limits allow another request on this connection.
    func mayKeepAlive(_ request: OpeningRequest) -> Bool {
        let connection = TokenList(request.fields.values(of: "Connection"))
        // Behind a request for an upgrade, granted or not, the decoder looks for nothing more.
        let asksForUpgrade = connection.contains("upgrade") && !request.fields.values(of: "Upgrade").isEmpty
        return request.httpVersion.minor >= 1 && !connection.contains("close") && !asksForUpgrade
            && requests < configuration.http.maximumRequests && !state.isDraining && !isReserved
    }

    // MARK: - Answers

    /// A body that is too long although little of it is data is not long but malformed: its chunk extensions are.
    private func verdict(_ status: Int, _ words: String) -> HTTPAnswer {
        guard status == 413, bodyBytes < configuration.http.maximumBodyBytes / 2 else { return .text(status, words) }
        return .text(400, "The request's body is framed with more bytes than it has.")
    }

    /// Answers with an error and ends the connection: what else the client sent is not looked at.
    ///
    /// - Parameter detail: what of the request was refused, for the log; see ``Refusal/detail``.
    func refuse(_ answer: HTTPAnswer, detail: String = "") {
        guard !isEnding, let context else { return }
        guard skipped == nil else { return context.close(promise: nil) }  // it has its answer
        request = nil
        upgrade = nil
        gate.discard()
        report(answer, detail, context)
        if !serviceIsRefused(context) { return context.close(promise: nil) }
        write(answer, keepsAlive: false, context)
    }

    /// Answers a request with an error before its body is there; the body is dropped, and then the next request may come.
    func refuseAndSkip(_ answer: HTTPAnswer) {
        guard let context else { return }
        report(answer, "", context)
        skipped = SkippedRequest()
        write(answer, keepsAlive: true, context)
    }

    private func endSkipping() {
        guard let skipped else { return }
        guard skipped.isOver else { return closeIfInputHasEnded() }
        self.skipped = nil
        wasAnswered(true)
    }

    private func report(_ answer: HTTPAnswer, _ detail: String, _ context: ChannelHandlerContext) {
        guard answer.status >= 400 || answer.reason != nil, refusal == nil else { return }
        let firstLine = answer.body.prefix { $0 != UInt8(ascii: "\n") }
        let words = answer.reason ?? String(decoding: firstLine, as: UTF8.self)
        guard !words.isEmpty else { return }
        configuration.onRefusal(
            Refusal(
                .status(answer.status), reason: words, detail: detail.isEmpty ? answer.detail : detail, peer: peer))
    }

    private func write(_ answer: HTTPAnswer, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders(answer.fields.map { ($0.name, $0.value) })
        // RFC 9110 §8.6: a 204 has no Content-Length.
        if answer.status != 204 { headers.add(name: "Content-Length", value: String(answer.body.count)) }
        if !keepsAlive {
            headers.add(name: "Connection", value: "close")
            isEnding = true
        }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !gate.isHead, !answer.body.isEmpty {  // RFC 9110 §9.3.2: an answer to HEAD has no body, whatever its status
            let body = context.channel.allocator.buffer(bytes: answer.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        isAnswering = true
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            self?.answerHasLeft(keepsAlive)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    private func answerHasLeft(_ keepsAlive: Bool) {
        isAnswering = false
        guard skipped != nil else { return wasAnswered(keepsAlive) }
        skipped?.answerHasLeft = true
        endSkipping()
    }

    func wasAnswered(_ keepsAlive: Bool) {
        guard let context else { return }
        if keepsAlive {
            isKeptAlive = true
            requestOfClientEnds()
            startDeadline(context, configuration.http.keepAliveTimeout)
            gate.requestWasAnswered()
            closeIfInputHasEnded()
        } else if gate.inputHasEnded {
            context.close(promise: nil)
        } else {
            // The client may still be sending. Closing now would reset the connection, and the answer with it: end our
            // side, drop what comes, and close when the client does or after a second.
            gate.discard()
            deadline?.cancel()
            deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in self?.close() }
            context.close(mode: .output, promise: nil)
        }
    }
}

@available(*, unavailable)
extension FrontDoorHandler: Sendable {}
