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
        /// The head was passed on; what comes is its body, until the request is complete.
        case body(bytesLeft: Int)
        /// The request is complete and being answered.
        case answering
        /// The connection ends: what comes is dropped.
        case discarding
    }

    private let limits: HTTPLimits
    private var state: State
    private var held: ByteBuffer?
    private var isReadWanted = false
    private(set) var isAdvancing = false
    /// Whether the client has ended its side; who answers a request or comes after an upgrade has to look.
    private(set) var inputHasEnded = false
    private var context: ChannelHandlerContext?
    /// Called when a limit is broken: status and words.
    private var refuse: (Int, String) -> Void = { _, _ in }

    init(limits: HTTPLimits) {
        self.limits = limits
        state = .head(RequestHead(limits))
    }

    /// Whether some of a request has arrived that is not complete.
    var isInsideRequest: Bool {
        switch state {
        case .head: return held.map { $0.readableBytes > 0 } ?? false
        case .body: return true
        case .answering, .discarding: return false
        }
    }

    func onRefusal(_ refuse: @escaping (Int, String) -> Void) { self.refuse = refuse }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        refuse = { _, _ in }
    }

    func read(context: ChannelHandlerContext) {
        switch state {
        case .answering: isReadWanted = true
        case .head, .body, .discarding: context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch state {
        case .discarding:
            return
        case .body(let bytesLeft):
            passBody(bytes, bytesLeft: bytesLeft, context)
        case .head, .answering:
            if held == nil { held = bytes } else { held?.writeBuffer(&bytes) }
            advance(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            inputHasEnded = true
            // There may be requests behind the one that is being answered, for which the decoder has to live on.
            if case .answering = state { return }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The decoder has seen the end of the request: what comes next belongs to another one.
    func requestIsComplete() {
        if case .discarding = state { return }
        state = .answering
    }

    /// The answer is out: the next request may come.
    func requestWasAnswered() {
        guard case .answering = state, let context else { return }
        state = .head(RequestHead(limits))
        advance(context)
        if case .head = state, isReadWanted {
            isReadWanted = false
            context.read()
        }
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

    private func advance(_ context: ChannelHandlerContext) {
        // A request may be answered while it is passed on: then this loop takes the next one, not one within it.
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while case .head(var head) = state, var bytes = held {
            skipEmptyLines(&bytes)
            let progress = bytes.withUnsafeReadableBytes { head.advance($0) }
            held = bytes
            state = .head(head)
            switch progress {
            case .incomplete:
                return
            case .refused(let status, let words):
                discard()
                return refuse(status, words)
            case .complete(let count):
                guard let request = bytes.readSlice(length: count) else { return }
                held = bytes.readableBytes > 0 ? bytes : nil
                state = .body(bytesLeft: limits.maximumBodyBytes)
                context.fireChannelRead(wrapInboundOut(request))
                // The decoder has called back during that when the request has no body.
                if case .body(let bytesLeft) = state, let rest = held {
                    held = nil
                    passBody(rest, bytesLeft: bytesLeft, context)
                }
            }
        }
    }

    private func passBody(_ bytes: ByteBuffer, bytesLeft: Int, _ context: ChannelHandlerContext) {
        guard bytes.readableBytes <= bytesLeft else {
            discard()
            return refuse(413, "The request's body is longer than \(limits.maximumBodyBytes) bytes.")
        }
        state = .body(bytesLeft: bytesLeft - bytes.readableBytes)
        context.fireChannelRead(wrapInboundOut(bytes))
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
