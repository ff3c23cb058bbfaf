import NIOCore
import WebSocketCompression
import WebSocketCore

/// The one handler of an open WebSocket connection: reads frames, drives the state machine, calls the session, and
/// writes each touched connection once a tick.
///
/// Confined to its loop's thread. The rules are in ``ConnectionStateMachine``; here is only its I/O.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Where this connection stands on the timer wheel.
    var timerPosition: (slot: Int, index: Int)?

    private let role: Role
    private let loop: LoopContext
    private let session: WebSocketSession
    private let compressor: (any MessageCompressor)?
    /// Whether the compressor keeps no window between messages, so that its output can be shared.
    private let compressesAlike: Bool
    private let maximumPendingBytes: Int
    private let lingerTimeout: UInt64
    private var machine: ConnectionStateMachine
    private var context: ChannelHandlerContext?
    private var connection: NIOWebSocketConnection?
    /// What was read and not consumed: an incomplete header or control frame of at most 139 bytes, or, while the session
    /// takes nothing, what has arrived since.
    private(set) var tail: [UInt8] = []
    private var isProcessing = false
    /// Whether the tail begins with a frame: the session has paused between two of them.
    private var isBetweenFrames = true
    private var outbox = Outbox()
    private var isTouched = false
    private var endsAfterFlush = false
    /// Nothing more is written; our side is shut down as soon as what was written has left.
    private var outputHasEnded = false
    private var outputIsShut = false
    private var inputHasEnded = false
    private var wasUnwritable = false
    /// Whether the session takes messages.
    private var isReading = true
    private var socketIsRead = true
    /// The last bytes have arrived: the session takes all of them.
    private var readingHasEnded = false
    /// Bytes that may arrive while the session takes nothing, before the socket is no longer read.
    private static let pausedBytes = 64 * 1024
    /// The newest pong that could not be sent because output is blocked (RFC 6455 §5.5.3).
    private var heldPong: [UInt8]?
    private var accountedBytes = 0

    init(
        role: Role, loop: LoopContext, limits: ConnectionLimits, codecs: CompressionCodecs?, session: WebSocketSession
    ) {
        self.role = role
        self.loop = loop
        self.session = session
        compressor = codecs?.compressor
        compressesAlike = codecs.map { !$0.parameters.contextTakeover(sentBy: role) } ?? false
        maximumPendingBytes = limits.maximumPendingBytes
        lingerTimeout = limits.lingerTimeout
        machine = ConnectionStateMachine(
            role: role, limits: limits, decompressor: codecs?.decompressor, now: loop.now)
    }

    // MARK: - Lifecycle

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let connection = NIOWebSocketConnection(self)
        self.connection = connection
        loop.schedule(self, at: machine.nextDeadline)
        session.opened(connection)
        if !context.channel.isActive { end() }
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    /// The transport is gone: tell the session, once.
    private func end() {
        guard context != nil else { return }
        finishReading()
        _ = machine.transportEnded()
        context = nil
        loop.unschedule(self)
        _ = loop.accountAssembly(-accountedBytes)
        accountedBytes = 0
        tail = []
        outbox = Outbox()
        heldPong = nil
        connection?.detach()
        connection = nil
        session.closed(machine.result)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            finishReading()
            inputHasEnded = true
            act(machine.transportEnded())
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        machine.receivedBytes(now: loop.now)
        guard machine.mayReceive else { return }
        if isReading, tail.isEmpty {
            buffer.withUnsafeReadableBytes { input in
                loop.withScratch(input.count) { process(input, output: $0) }
            }
        } else {
            tail.append(contentsOf: buffer.readableBytesView)
            if isReading {
                processTail()
            } else if tail.count >= Self.pausedBytes, socketIsRead {
                socketIsRead = false
                _ = try? context.channel.syncOptions?.setOption(.autoRead, value: false)
            }
        }
        answerWhilePaused()
        settle()
    }

    /// Reads what was kept of earlier reads.
    private func processTail() {
        guard !tail.isEmpty, !isProcessing else { return }
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
        reading: while isReading {
            switch machine.next(input, position: &position, output: output, now: now) {
            case .needsInput:
                break reading
            case .message(let kind, let range):
                let payload = UnsafeRawBufferPointer(start: output + range.lowerBound, count: range.count)
                session.received(kind, payload.bytes)
            case .assembledMessage(let kind, let bytes):
                session.received(kind, bytes.span.bytes)
            case .sendPong(let range):
                pong(UnsafeRawBufferPointer(start: output + range.lowerBound, count: range.count))
            case .messageRateExceeded:
                session.messageRateExceeded()
            case .closing(let action):
                act(action)
            }
        }
        isProcessing = false
        isBetweenFrames = !isReading
        if position < input.count { tail = [UInt8](input[position...]) }
    }

    /// The peer may ask whether this side is there while the session works: what it asks before its next message or
    /// close frame is answered (RFC 6455 §5.5.2).
    private func answerWhilePaused() {
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
    private func settle() {
        let held = machine.assembledBytes
        if held != accountedBytes, context != nil {
            let fits = loop.accountAssembly(held - accountedBytes)
            accountedBytes = held
            if !fits { close(CloseFrame(code: .tryAgainLater, reason: "too many unfinished messages on this server")) }
        }
        reschedule()
    }

    /// Stops or resumes handing messages to the session; the socket is read until ``pausedBytes`` wait.
    func setReading(_ isReading: Bool) {
        guard let context, !readingHasEnded, isReading != self.isReading, isReading || machine.maySend else { return }
        self.isReading = isReading
        guard isReading, !isProcessing else { return }
        processTail()
        answerWhilePaused()
        settle()
        if self.isReading, !socketIsRead {
            socketIsRead = true
            machine.receivedBytes(now: loop.now)  // the silence so far was not the peer's
            _ = try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    /// The last bytes are here: hand over what waits for the session, as there is no later.
    private func finishReading() {
        readingHasEnded = true
        guard !isReading else { return }
        isReading = true
        processTail()
    }

    /// Answers a ping, unless output is blocked: then only the newest answer is kept (RFC 6455 §5.5.3).
    private func pong(_ payload: UnsafeRawBufferPointer) {
        guard let context else { return }
        if context.channel.isWritable {
            writeControl(.pong, payload)
        } else {
            heldPong = [UInt8](payload)
        }
    }

    // MARK: - Time

    func timerFired() {
        if inputHasEnded {  // what was queued for a peer that has ended its own side had its chance
            context?.close(promise: nil)
            return
        }
        // While this side does not read, the peer's silence says nothing about it.
        if !socketIsRead { machine.receivedBytes(now: loop.now) }
        if !isReading { machine.readingIsPaused(now: loop.now) }
        switch machine.tick(now: loop.now) {
        case .none: break
        case .sendPing: writeControl(.ping, UnsafeRawBufferPointer(start: nil, count: 0))
        case .closing(let action): act(action)
        }
        if context != nil { loop.schedule(self, at: machine.nextDeadline) }
    }

    /// Moves the timer when the next deadline has come nearer; one that moved away is noticed when it fires.
    private func reschedule() {
        guard context != nil, !inputHasEnded, !machine.maySend || machine.assembledBytes > 0 else { return }
        loop.schedule(self, at: machine.nextDeadline)
    }

    // MARK: - Closing

    func close(_ frame: CloseFrame) {
        act(machine.close(frame, now: loop.now))
        setReading(true)  // so that the peer's close frame is seen; messages before it are dropped
        reschedule()
    }

    /// Ends the connection without a further word.
    func cutOff() { context?.close(promise: nil) }

    private func act(_ action: ClosingHandshake.Action) {
        switch action {
        case .none: break
        case .send(let frame):
            writeClose(frame)
        case .sendAndEndTransport(let frame):
            writeClose(frame)
            endTransport()
        case .endTransport:
            endTransport()
        case .abort:
            abort()
        }
    }

    /// Ends our side after what is queued. A server ends it first; a client waits for that (RFC 6455 §7.1.1).
    private func endTransport() {
        guard role == .server else { return }
        endsAfterFlush = true
        touch()
    }

    /// Closes the transport; what is queued gets its chance where the peer has only ended its own side.
    private func abort() {
        guard let context else { return }
        if inputHasEnded, !outputIsShut {
            endsAfterFlush = true
            loop.schedule(self, at: loop.now.advanced(by: lingerTimeout))
            flush()
        } else {
            context.close(promise: nil)
        }
    }

    private func writeClose(_ frame: CloseFrame) {
        frame.payload.withUnsafeBytes { writeControl(.close, $0) }
    }

    // MARK: - Writing

    var pendingBytes: Int {
        outbox.byteCount + (context.map { channelBytes($0) } ?? 0)
    }

    var isWritable: Bool {
        machine.maySend && context?.channel.isWritable == true && outbox.byteCount < Outbox.directBytes * 4
    }

    func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        guard let context, machine.maySend else { return }
        if let compressor, payload.count >= DeflateCompressor.minimumPayload {
            var compressed: [UInt8] = []
            if compressor.compress(payload, into: &compressed) {
                compressed.withUnsafeBytes { append(kind.opcode, $0, isCompressed: true, context) }
                return
            }
        }
        append(kind.opcode, payload, isCompressed: false, context)
    }

    func send(_ frame: SharedFrame) {
        guard let context, machine.maySend else { return }
        // A frame that is masked or compressed with this connection's own window is its alone.
        guard role == .server, compressor == nil || compressesAlike else {
            frame.payload.withUnsafeBytes { send(frame.kind, $0) }
            return
        }
        let compressor = frame.payload.count >= DeflateCompressor.minimumPayload ? compressor : nil
        let buffer = loop.buffer(for: frame, compressor: compressor) {
            var compressed: [UInt8] = []
            if let compressor,
                frame.payload.withUnsafeBytes({ compressor.compress($0, into: &compressed) })
            {
                var buffer = context.channel.allocator.buffer(capacity: compressed.count + FrameHeader.maximumBytes)
                var header: [UInt8] = []
                FrameHeader.append(
                    isCompressed: true, opcode: frame.kind.opcode, payloadLength: compressed.count, to: &header)
                buffer.writeBytes(header)
                buffer.writeBytes(compressed)
                return buffer
            }
            return context.channel.allocator.buffer(bytes: frame.bytes)
        }
        let waiting = outbox.byteCount
        outbox.append(buffer, context.channel.allocator)
        queued(behind: waiting, context)
    }

    private func writeControl(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
        guard let context, !endsAfterFlush, !outputHasEnded else { return }
        append(opcode, payload, isCompressed: false, context)
    }

    private func append(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool, _ context: ChannelHandlerContext
    ) {
        let waiting = outbox.byteCount
        let key: UInt32? = role == .client ? UInt32.random(in: .min ... .max) : nil
        outbox.append(
            opcode, payload, isCompressed: isCompressed, maskingKey: key, context.channel.allocator)
        queued(behind: waiting, context)
    }

    private func queued(behind waiting: Int, _ context: ChannelHandlerContext) {
        touch()
        if outbox.byteCount >= Outbox.directBytes * 4 { wasUnwritable = true }
        // A reader that does not keep up is cut off, with the code that invites it to come back. What counts is what it
        // had not taken before: a single message may be larger than that.
        if waiting + channelBytes(context) > maximumPendingBytes, machine.maySend {
            close(CloseFrame(code: .tryAgainLater, reason: "reader too slow"))
        }
    }

    private func channelBytes(_ context: ChannelHandlerContext) -> Int {
        // While the channel is writable it holds less than its high mark; the exact number is worth its price only then.
        context.channel.isWritable ? 0 : (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func touch() {
        guard !isTouched else { return }
        isTouched = true
        loop.touch(self)
    }

    /// Writes what was queued in this tick: one write and one flush.
    func flush() {
        isTouched = false
        guard let context else { return }
        var hasWritten = false
        while let buffer = outbox.next() {
            context.write(wrapOutboundOut(buffer), promise: nil)
            hasWritten = true
        }
        if hasWritten { context.flush() }
        if endsAfterFlush, !outputHasEnded {
            outputHasEnded = true
            // SwiftNIO drops what is queued when the second side is ended: this waits until everything has left.
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.shutOutput() }
            context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(capacity: 0)), promise: written)
        }
        writabilityMayHaveChanged(context)
    }

    private func shutOutput() {
        outputIsShut = true
        context?.close(mode: inputHasEnded ? .all : .output, promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writabilityMayHaveChanged(context)
        context.fireChannelWritabilityChanged()
    }

    private func writabilityMayHaveChanged(_ context: ChannelHandlerContext) {
        guard context.channel.isWritable else {
            wasUnwritable = true
            return
        }
        if let payload = heldPong {
            heldPong = nil
            payload.withUnsafeBytes { writeControl(.pong, $0) }
        }
        if wasUnwritable {
            wasUnwritable = false
            if machine.maySend { session.becameWritable() }
        }
    }
}

@available(*, unavailable)
extension FrameHandler: Sendable {}
