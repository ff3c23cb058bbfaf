import NIOCore
import NIOHTTP1
import WebSocketCore

/// How requests reach the ``HTTPService`` behind the front door, and its answers the client.
extension FrontDoorHandler {
    /// Whether a request is with the service, or its answer on the way.
    var isServing: Bool { exchange != nil && !isEnding }

    // MARK: - Requests

    /// Begins to pass a request on.
    func serve(_ head: HTTPRequestHead, _ request: OpeningRequest, _ service: any HTTPService) {
        guard let context else { return }
        let limits = configuration.http
        let length = request.fields.values(of: "Content-Length").first.flatMap { Int($0) } ?? 0
        let isChunked = !request.fields.values(of: "Transfer-Encoding").isEmpty
        guard length <= limits.maximumBodyBytes else {
            return refuse(.text(413, "The request's body is longer than \(limits.maximumBodyBytes) bytes."))
        }
        let expectations = request.fields.values(of: "Expect")
        let wantsContinue = expectations.contains { $0.lowercased() == "100-continue" }
        // RFC 9110 §10.1.1: HTTP/1.0 knows no expectations; any other than this one may be refused.
        guard request.httpVersion.minor == 0 || expectations.isEmpty || wantsContinue else {
            return refuse(.text(417, "The only expectation that is understood is 100-continue."))
        }
        let hasBody = isChunked || length > 0
        var body: RequestBody?
        if hasBody {
            switch service.admit(HTTPRequest(head: request), bodyBytes: isChunked ? nil : length) {
            case .refused(let answer):
                let isShort = length <= limits.maximumHeadBytes
                return refuse(request, answer, skipping: isChunked || wantsContinue || !isShort ? nil : length)
            case .admitted(let owner):
                do throws(BodyShortage) {
                    body = try RequestBody(length: length, owner: owner, budget: state.bodies)
                } catch {
                    let answer = answer(to: owner, error)
                    return refuse(request, answer, skipping: isChunked || wantsContinue ? nil : length)
                }
            }
        }
        if !hasService {
            do {
                try service.attach(to: context.channel)
            } catch {
                return refuse(.text(500, "The request can not be served: \(type(of: error))."))
            }
            hasService = true
        }
        // The gate can not see where chunks end, and what follows them has passed it already.
        let keepsAlive = mayKeepAlive(request) && !isChunked
        exchange = HTTPExchange(keepsAlive: keepsAlive, isOld: request.httpVersion.minor == 0, body: body)
        if !isChunked { gate.bodyHas(length) }
        startDeadline(context, limits.bodyTimeout)
        if wantsContinue, request.httpVersion.minor > 0, hasBody {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Hands the service a further part of its request.
    func passOn(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        // Behind chunks another request may have passed the gate: it is not looked at.
        guard let exchange, !exchange.requestIsComplete else { return }
        switch part {
        case .head: return
        case .body(let bytes):
            guard let body = exchange.body else { return }
            do throws(BodyShortage) {
                try body.append(bytes)
            } catch {
                refuse(answer(to: body.owner, error))
            }
        case .end:
            self.exchange?.requestIsComplete = true
            gate.requestIsComplete()
            // The service takes the time that it needs.
            if exchange.waitingParts == 0 { cancelDeadline() }
            if let body = exchange.body?.take(), body.readableBytes > 0 {
                context.fireChannelRead(wrapInboundOut(.body(body)))
            }
            context.fireChannelRead(wrapInboundOut(part))
            endExchange()
        }
    }

    /// Refuses a request whose body is not wanted: one of known length is skipped, which costs no memory, and the connection
    /// stays; at any other it ends.
    private func refuse(_ request: OpeningRequest, _ answer: HTTPAnswer, skipping length: Int?) {
        guard let length, mayKeepAlive(request) else { return refuse(answer) }
        gate.bodyHas(length)
        refuseAndSkip(answer)
    }

    /// The answer to a signed request for whose body there is no memory. A back end repeats it, on the same connection
    /// where that is possible: one that has to open another for each repetition uses up what it may open.
    private func answer(to owner: String, _ shortage: BodyShortage) -> HTTPAnswer {
        configuration.onBodyRefused(owner, shortage)
        let cause =
            switch shortage {
            case .budget: "The server holds as many request bodies as it may"
            case .share: "The server holds as many request bodies for this app as it may"
            }
        return .text(503, "\(cause): repeat the request in a second.", fields: [("Retry-After", "1")])
    }

    /// The request is refused: the service gets no more of it, and its answer leads nowhere. Answers whether the front
    /// door may answer instead, because the service has not begun to.
    func serviceIsRefused(_ context: ChannelHandlerContext) -> Bool {
        guard let exchange else { return true }
        self.exchange = nil
        isEnding = true
        context.fireErrorCaught(HTTPServiceError.requestRefused)
        return !exchange.answerHasBegun
    }

    // MARK: - Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isServing, exchange?.answerIsComplete == false else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            // RFC 9110 §15.2: an informational answer is none yet.
            if 100..<200 ~= head.status.code { return context.write(data, promise: promise) }
            context.write(wrapOutboundOut(.head(begin(head))), promise: promise)
        case .body(let bytes):
            // RFC 9110 §9.3.2: an answer to HEAD has no body.
            if gate.isHead {
                promise?.succeed()
            } else {
                context.write(wrapOutboundOut(.body(bytes)), promise: awaited(promise, context))
            }
        case .end(let trailers):
            exchange?.answerIsComplete = true
            let written = awaited(promise, context)
            context.write(wrapOutboundOut(.end(trailers)), promise: written)
        }
    }

    /// The head of the answer as it goes to the client.
    private func begin(_ head: HTTPResponseHead) -> HTTPResponseHead {
        var head = head
        exchange?.answerHasBegun = true
        // The service is through with the body.
        if exchange?.requestIsComplete == true { exchange?.body = nil }
        if loop.farewell != nil || head.headers[canonicalForm: "Connection"].contains("close") {
            exchange?.keepsAlive = false
        }
        if exchange?.isOld == true { head.version = .http1_0 }
        if exchange?.keepsAlive != true { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        return head
    }

    /// Watches a part on its way: it may wait for the client, but not for ever.
    private func awaited(_ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) -> EventLoopPromise<Void>
    {
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        if exchange?.waitingParts == 0 { startDeadline(context, configuration.http.bodyTimeout) }
        exchange?.waitingParts += 1
        written.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.partHasLeft() }
        return written
    }

    private func partHasLeft() {
        guard let context, exchange != nil else { return }
        exchange?.waitingParts -= 1
        if let exchange, exchange.waitingParts > 0 {
            startDeadline(context, configuration.http.bodyTimeout)
        } else if exchange?.requestIsComplete == true {
            cancelDeadline()
        }
        endExchange()
    }

    /// The exchange is over when the request has arrived and the answer has left; a connection that is not kept ends
    /// with the answer.
    private func endExchange() {
        guard let exchange, exchange.answerIsComplete, exchange.waitingParts == 0 else { return }
        if exchange.keepsAlive {
            guard exchange.requestIsComplete else { return }
            self.exchange = nil
            wasAnswered(true)
        } else {
            isEnding = true
            self.exchange = nil
            wasAnswered(false)
        }
    }

    // MARK: - Closing

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Where there is a service the end of the connection is the front door's matter: the answer has to arrive first.
        guard hasService, !isUpgraded, context.channel.isActive else {
            return context.close(mode: mode, promise: promise)
        }
        if mode == .output, isServing || isEnding {
            promise?.succeed()
            return
        }
        if isEnding {
            context.channel.closeFuture.cascade(to: promise)
        } else if let exchange, !exchange.answerHasBegun {
            context.channel.closeFuture.cascade(to: promise)
            refuse(.text(500, "The server could not answer this request."))
        } else if let exchange, exchange.answerIsComplete {
            self.exchange?.keepsAlive = false
            context.channel.closeFuture.cascade(to: promise)
        } else {
            context.close(mode: mode, promise: promise)
        }
    }

    /// The server is ending: what is being answered is answered, all other connections close now.
    func stop() {
        if isServing { exchange?.keepsAlive = false } else { close() }
    }
}
