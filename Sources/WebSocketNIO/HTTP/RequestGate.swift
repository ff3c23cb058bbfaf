import NIOCore

/// Stands between the socket and the HTTP decoder: lets one request through at a time, and only within the limits.
///
/// What follows a request waits here until it was answered (a pipeline depth of one, RFC 9112 §9.3.2), while the socket
/// is not read. After an upgrade it is the first data of the WebSocket connection. Confined to its loop's thread.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// The head is arriving.
        case head(RequestHead)
        /// The head was passed on; what comes is its body, until the request is complete. Of a body whose length is
        /// known no more than that is passed on.
        case body(bytesLeft: Int, isExact: Bool)
        /// The request is complete and being answered.
        case answering
        /// It was answered, what is held begins with another one, and other connections come first.
        case waiting
        /// The connection ends: what comes is dropped.
        case discarding
    }

    private let limits: HTTPLimits
    private var state: State
    private(set) var held: ByteBuffer?
    private var isReadWanted = false
    private(set) var isAdvancing = false
    /// Whether the request that is arriving or being answered is a `HEAD`: its answer has no body, whatever comes
    /// before or behind it on the connection.
    private(set) var isHead = false
    /// Whether the client has ended its side; who answers a request or comes after an upgrade has to look.
    private(set) var inputHasEnded = false
    private var context: ChannelHandlerContext?
    /// Called when a limit is broken: status and words.
    private var refuse: (Int, String) -> Void = { _, _ in }
    /// Called when the first bytes of a request have arrived, after others were answered.
    private var requestBegins: () -> Void = {}
    /// Asked whether a request that came with the one before may go on at once; if not, ``turnCame()`` is called later.
    private var takesNext: () -> Bool = { true }

    init(limits: HTTPLimits) {
        self.limits = limits
        state = .head(RequestHead(limits))
    }

    /// Whether some of a request has arrived that is not complete.
    var isInsideRequest: Bool {
        switch state {
        case .head: return !holdsNothing
        case .body, .waiting: return true
        case .answering, .discarding: return false
        }
    }

    /// Whether a whole or partial request is held until other connections have had their turn.
    var waitsForTurn: Bool { if case .waiting = state { true } else { false } }

    private var holdsNothing: Bool { held.map { $0.readableBytes == 0 } ?? true }

    func onRefusal(_ refuse: @escaping (Int, String) -> Void) { self.refuse = refuse }

    func onRequest(_ requestBegins: @escaping () -> Void) { self.requestBegins = requestBegins }

    func onNextRequest(_ takesNext: @escaping () -> Bool) { self.takesNext = takesNext }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // Its place in the line outlives the connection; what it had sent does not. (An upgrade takes its bytes later.)
        if waitsForTurn { held = nil }
        refuse = { _, _ in }
        requestBegins = {}
        takesNext = { true }
    }

    func read(context: ChannelHandlerContext) {
        switch state {
        case .answering, .waiting: isReadWanted = true
        case .head, .body, .discarding: context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch state {
        case .discarding:
            return
        case .body, .head, .answering, .waiting:
            if case .head = state, holdsNothing { requestBegins() }
            if held == nil { held = bytes } else { held?.writeBuffer(&bytes) }
            advance(context)
            resumeReading(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            inputHasEnded = true
            // There may be requests behind the one that is being answered, for which the decoder has to live on.
            switch state {
            case .answering, .waiting: return
            case .head, .body, .discarding: break
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The head that is being passed on says how long its body is: what comes behind that is another request, and
    /// waits here.
    func bodyHas(_ count: Int) {
        if case .body(let bytesLeft, _) = state, count <= bytesLeft { state = .body(bytesLeft: count, isExact: true) }
    }

    /// The decoder has seen the end of the request: what comes next belongs to another one.
    func requestIsComplete() {
        if case .discarding = state { return }
        state = .answering
    }

    /// The answer is out: the next request may come.
    func requestWasAnswered() {
        guard case .answering = state, let context else { return }
        isHead = false
        guard holdsNothing || takesNext() else {
            state = .waiting
            return
        }
        state = .head(RequestHead(limits))
        if !holdsNothing { requestBegins() }
        // A request may be answered while it is passed on: then who does that takes the next one.
        guard !isAdvancing else { return }
        goOn(context)
    }

    /// The others have had their turn: the request that is held is looked at.
    func turnCame() {
        guard case .waiting = state, let context else { return }
        state = .head(RequestHead(limits))
        requestBegins()
        goOn(context)
    }

    private func goOn(_ context: ChannelHandlerContext) {
        if !holdsNothing {
            advance(context)
            // Who gathers what comes with one read has to hear of its end.
            context.fireChannelReadComplete()
        }
        resumeReading(context)
    }

    /// The connection ends: from here on everything is dropped.
    func discard() {
        state = .discarding
        held = nil
        if isReadWanted {
            isReadWanted = false
            context?.read()
        }
    }

    /// After an upgrade: what had arrived behind the request.
    func takeHeld() -> ByteBuffer? {
        defer { held = nil }
        return held.flatMap { $0.readableBytes > 0 ? $0 : nil }
    }

    /// Passes on what is held, as far as it may be.
    ///
    /// The decoder is called from here alone and never within another call, so that it has seen a head before anything
    /// that follows is passed on: it calls back when it has, and then the state is another one.
    private func advance(_ context: ChannelHandlerContext) {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while !holdsNothing {
            switch state {
            case .head(let head):
                guard passHead(head, context) else { return }
            case .body(let bytesLeft, let isExact):
                guard let bytes = held else { return }
                held = nil
                passBody(bytes, bytesLeft: bytesLeft, isExact: isExact, context)
            case .answering, .waiting, .discarding:
                return
            }
        }
    }

    /// Passes a head on; `false` when it is not whole, or refused.
    private func passHead(_ head: RequestHead, _ context: ChannelHandlerContext) -> Bool {
        guard var bytes = held else { return false }
        var head = head
        skipEmptyLines(&bytes)
        isHead = bytes.withUnsafeReadableBytes { $0.starts(with: "HEAD ".utf8) }
        let progress = bytes.withUnsafeReadableBytes { head.advance($0) }
        held = bytes
        state = .head(head)
        switch progress {
        case .incomplete:
            return false
        case .refused(let status, let words):
            discard()
            refuse(status, words)
            return false
        case .complete(let count):
            guard let request = bytes.readSlice(length: count) else { return false }
            held = bytes.readableBytes > 0 ? bytes : nil
            state = .body(bytesLeft: limits.maximumBodyBytes, isExact: false)
            context.fireChannelRead(wrapInboundOut(request))
            return true
        }
    }

    private func passBody(_ bytes: ByteBuffer, bytesLeft: Int, isExact: Bool, _ context: ChannelHandlerContext) {
        var bytes = bytes
        if isExact, bytes.readableBytes > bytesLeft, let body = bytes.readSlice(length: bytesLeft) {
            held = bytes
            bytes = body
        }
        guard bytes.readableBytes <= bytesLeft else {
            discard()
            return refuse(413, "The request's body is longer than \(limits.maximumBodyBytes) bytes.")
        }
        state = .body(bytesLeft: bytesLeft - bytes.readableBytes, isExact: isExact)
        context.fireChannelRead(wrapInboundOut(bytes))
    }

    /// Reads again if that was wanted while a request was being answered.
    private func resumeReading(_ context: ChannelHandlerContext) {
        switch state {
        case .head, .body:
            guard isReadWanted else { return }
            isReadWanted = false
            context.read()
        case .answering, .waiting, .discarding: break
        }
    }

    /// RFC 9112 §2.2: empty lines before a request line are ignored.
    private func skipEmptyLines(_ bytes: inout ByteBuffer) {
        while let byte = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self), byte == 0x0D || byte == 0x0A {
            bytes.moveReaderIndex(forwardBy: 1)
        }
    }
}

@available(*, unavailable)
extension RequestGate: Sendable {}
