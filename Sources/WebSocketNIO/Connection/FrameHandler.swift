import NIOCore
import WebSocketCompression
import WebSocketCore

/// The one handler of an open WebSocket connection, and the connection as its session sees it.
///
/// It reads frames, drives the state machine, calls the session, and writes each touched connection once a turn of the
/// loop. Confined to its loop's thread. The rules are in ``ConnectionStateMachine``; here is only its I/O: reading in
/// this file, the end and the deadlines in `FrameHandler+Closing`, writing in `FrameHandler+Writing`.
final class FrameHandler: WebSocketConnection, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Where this connection stands on the timer wheel.
    var timerPosition: (slot: Int, index: Int)?

    let rules: ConnectionRules
    let loop: LoopContext
    /// `nil` after the end, so that a session may keep its connection for as long as it likes.
    private(set) var session: WebSocketSession?
    private(set) var compressor: (any MessageCompressor)?
    /// Whether the compressor keeps no window between messages, so that its output can be shared.
    let compressesAlike: Bool
    var machine: ConnectionStateMachine
    private(set) var context: ChannelHandlerContext?
    /// What was read and not consumed: an incomplete header or control frame of at most 139 bytes, or, while the session
    /// takes nothing or the peer is held, what has arrived since.
    private(set) var tail: [UInt8] = []
    private var isProcessing = false
    /// Whether the tail begins with a frame: the session has paused between two of them.
    private var isBetweenFrames = true
    var inputHasEnded = false
    /// Whether the session takes messages.
    private(set) var isReading = true
    private(set) var socketIsRead = true
    /// The last bytes have arrived: the session takes all of them.
    private(set) var readingHasEnded = false
    /// Bytes that may arrive while the session takes nothing, before the socket is no longer read.
    private static let pausedBytes = 64 * 1024
    private(set) var accountedBytes = 0
    /// It stands in its loop's line of those that have large messages, see ``LoopContext/waitForTurn(_:)``.
    var waitsForTurn = false
    /// The peer has ended its side, and what it had sent is still to be read.
    private(set) var inputEndsAtTurn = false
    /// When the peer has lately sent faster than it may.
    var hold: ReadingHold?

    // Of FrameHandler+Writing.
    private let isPlain: Bool
    /// The client's address, where a trusted proxy has named it.
    private let clientAddress: String?
    private(set) var socket: PlainSocket?
    var outbox = Outbox()
    var bytesAtTransport = 0
    /// Memory of that: a buffer of which a part has left is held in whole.
    var heldAtTransport = 0
    /// The last of that, kept so that others who get the same in later turns have the same buffer.
    var runAtTransport: FrameRun?
    var backlog: ConnectionBacklog?
    var heldPong: [UInt8]?
    var isTouched = false
    var isWriting = false
    var wasUnwritable = false
    var endsAfterFlush = false
    var outputHasEnded = false

    /// - Parameters:
    ///   - isPlain: whether nothing stands between this handler and the socket, no TLS above all.
    ///   - clientAddress: the client's address, where a trusted proxy has named it.
    init(
        role: Role, loop: LoopContext, limits: ConnectionLimits, codecs: CompressionCodecs?, session: WebSocketSession,
        isPlain: Bool = false, clientAddress: String? = nil
    ) {
        rules = loop.rules(role: role, limits: limits)
        self.loop = loop
        self.session = session
        self.isPlain = isPlain
        self.clientAddress = clientAddress
        compressor = codecs?.compressor
        compressesAlike = codecs.map { !$0.parameters.contextTakeover(sentBy: role) } ?? false
        machine = ConnectionStateMachine(rules: rules, decompressor: codecs?.decompressor, now: loop.now)
        super.init()
    }

    // MARK: - What the session sees

    /// Exact to what SwiftNIO has told of its part.
    override var pendingBytes: Int { outbox.byteCount + bytesAtTransport }

    override var peer: String { clientAddress ?? context?.remoteAddress?.text ?? "" }

    /// Memory of what the peer has not taken.
    var heldBytes: Int { outbox.byteCount + heldAtTransport }

    override var isWritable: Bool { isOpen && !wasUnwritable }

    override func send(_ kind: MessageKind, _ payload: RawSpan) { payload.withUnsafeBytes { queue(kind, $0) } }

    override func send(_ frame: SharedFrame) { queue(frame) }

    override func close(_ code: CloseCode, reason: String) { close(CloseFrame(code: code, reason: reason)) }

    /// Stops or resumes handing messages to the session; the socket is read until ``pausedBytes`` wait.
    override func setReading(_ isReading: Bool) {
        guard let context, !readingHasEnded, isReading != self.isReading, isReading || machine.maySend else { return }
        self.isReading = isReading
        guard isReading, !isProcessing else { return }
        processTail()
        answerWhilePaused()
        settle()
        if self.isReading, !socketIsRead {
            socketIsRead = true
            machine.socketWasNotRead(now: loop.now)
            updateReading(context)
        }
    }

    override func dropRest() {
        if readingHasEnded, isProcessing { isReading = false }
    }

    override func forgiveMessage() { machine.forgiveMessage() }

    override func requireMessagesAsLife() { machine.requireData() }

    // MARK: - Lifecycle

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if isPlain { socket = PlainSocket(context) }
        loop.schedule(self, at: machine.nextDeadline)
        session?.opened(self)
        if !context.channel.isActive { end() }
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    /// The transport is gone: tell the session, once.
    private func end() {
        guard context != nil else { return }
        waitsForTurn = false
        _ = finishReading()
        _ = machine.transportEnded()
        context = nil
        socket = nil
        loop.unschedule(self)
        _ = loop.accountAssembly(-accountedBytes)
        accountedBytes = 0
        tail = []
        endOutput()
        let ended = session
        session = nil
        ended?.closed(machine.result)
        // Who keeps the connection does not keep what it compressed with.
        compressor = nil
        machine = ConnectionStateMachine(rules: rules, now: loop.now)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            endInput()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// The peer has ended its side: that counts when everything before it has been read. SwiftNIO tells of it although
    /// the socket is not read, with all that had arrived.
    func endInput() {
        guard finishReading() else {
            inputEndsAtTurn = true
            return waitForTurn()
        }
        inputEndsAtTurn = false
        inputHasEnded = true
        act(machine.transportEnded())
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        machine.receivedBytes(buffer.readableBytes, now: loop.now)
        guard machine.mayReceive else { return }
        if hasToWait(for: buffer.readableBytes) { waitToRead() }
        if isReading, tail.isEmpty, !isHeld {
            buffer.withUnsafeReadableBytes { input in
                loop.withScratch(input.count) { process(input, output: $0) }
            }
        } else {
            tail.append(contentsOf: buffer.readableBytesView)
            if isReading {
                processTail()
            } else if tail.count >= Self.pausedBytes, socketIsRead {
                socketIsRead = false
                updateReading(context)
            }
        }
        answerWhilePaused()
        if machine.exceedsByteRate(now: loop.now) { holdReading() }
        settle()
    }

    /// Whether `count` bytes of input must wait: the loop has reached its limit, and they may belong to a large message.
    private func hasToWait(for count: Int) -> Bool {
        loop.hasHandledEnough && (machine.isHeavy || count >= MessageReader.largeBytes)
    }

    /// Reads what was kept of earlier reads.
    func processTail() {
        guard !tail.isEmpty, !isProcessing, !isHeld else { return }
        if hasToWait(for: tail.count) { return waitToRead() }
        var input: [UInt8] = []
        swap(&input, &tail)
        loop.withScratch(input.count) { scratch in
            input.withUnsafeBytes { process($0, output: scratch) }
        }
    }

    private func process(_ input: UnsafeRawBufferPointer, output: UnsafeMutableRawPointer) {
        let now = loop.now
        var position = 0
        isProcessing = true
        // A session that pauses gets nothing more until it resumes, not even the end that a next frame may bring.
        reading: while isReading, context != nil {
            switch machine.next(input, position: &position, output: output, now: now) {
            case .needsInput:
                break reading
            case .message(let kind, let range):
                let payload = UnsafeRawBufferPointer(start: output + range.lowerBound, count: range.count)
                session?.received(kind, payload.bytes)
                if loop.countLarge(machine.takeHeavyBytes(range.count), of: self) {
                    if position < input.count { waitToRead() }
                    break reading
                }
            case .assembledMessage(let kind, let bytes):
                session?.received(kind, bytes.span.bytes)
                if loop.countLarge(machine.takeHeavyBytes(bytes.count), of: self) {
                    if position < input.count { waitToRead() }
                    break reading
                }
            case .sendPong(let range):
                pong(UnsafeRawBufferPointer(start: output + range.lowerBound, count: range.count))
            case .held:
                holdReading()
                break reading
            case .closing(let action):
                act(action)
            }
        }
        // Of a message that is not finished, or that was too long.
        _ = loop.countLarge(machine.takeHeavyBytes(0), of: self)
        isProcessing = false
        isBetweenFrames = !isReading
        if position < input.count, context != nil { tail = [UInt8](input[position...]) }
    }

    /// The peer may ask whether this side is there while the session works: what it asks before its next message or
    /// close frame is answered (RFC 6455 §5.5.2).
    func answerWhilePaused() {
        guard !isReading, isBetweenFrames, !isProcessing else { return }
        isProcessing = true
        var start = 0
        while start + 2 <= tail.count, tail[start] == 0x89 || tail[start] == 0x8A {
            let count = Int(tail[start + 1] & 0x7F) + (tail[start + 1] & 0x80 == 0 ? 2 : 6)
            guard count <= tail.count - start else { break }
            loop.withScratch(count) { scratch in
                let event = tail.withUnsafeBytes { bytes in
                    var position = 0
                    let frame = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                    return machine.next(frame, position: &position, output: scratch, now: loop.now)
                }
                if case .sendPong(let range) = event {
                    pong(UnsafeRawBufferPointer(start: scratch + range.lowerBound, count: range.count))
                } else if case .closing(let action) = event {
                    act(action)
                }
            }
            start += count
        }
        if start > 0 { tail = [UInt8](tail.dropFirst(start)) }
        isProcessing = false
        if isReading { processTail() }
    }

    /// After reading: the books on unfinished messages, and the timer.
    func settle() {
        let held = machine.assembledBytes + (isHeld || !isReading ? tail.count : 0)
        if held != accountedBytes, context != nil {
            let fits = loop.accountAssembly(held - accountedBytes)
            accountedBytes = held
            if !fits { loop.shedAssembly() }
        }
        if !machine.maySend || machine.assembledBytes > 0 { schedule() }
    }

    /// The last bytes are here: hands over what waits for the session or for its rate, as there is no later; `false` while
    /// the connection has to wait for its turn.
    private func finishReading() -> Bool {
        guard !waitsForTurn else { return false }
        readingHasEnded = true
        guard !isReading || isHeld || inputEndsAtTurn else { return true }
        isReading = true
        hold?.end(now: loop.now)
        var left = Int.max
        while 1..<left ~= tail.count {
            if hasToWait(for: tail.count) { return false }
            left = tail.count
            machine.forgiveRate()
            processTail()
        }
        guard !isReading else { return true }
        isReading = true
        tail = []
        return true
    }
}
