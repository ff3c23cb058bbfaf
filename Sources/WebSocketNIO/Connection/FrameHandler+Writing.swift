import NIOCore
import WebSocketCompression
import WebSocketCore

/// Writing: what is sent waits in the ``Outbox`` until the end of the turn, and on as long as the transport has not
/// taken what was written before. So SwiftNIO holds little, and what waits can be counted and dropped.
extension FrameHandler {
    /// Bytes from which on a session is told to stop; and how much SwiftNIO gets at a time.
    static let highMark = 64 * 1024
    /// Bytes below which it is told to go on.
    static let lowMark = 32 * 1024

    // MARK: - Queueing

    /// Whether the connection is there and no close frame has been sent.
    var isOpen: Bool { context != nil && machine.maySend }

    func queue(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        guard isOpen else { return }
        if let compressor, payload.count >= DeflateCompressor.minimumPayload, loop.mayCompress(payload.count) {
            var compressed: [UInt8] = []
            if compressor.compress(payload, into: &compressed) {
                compressed.withUnsafeBytes { append(kind.opcode, $0, isCompressed: true) }
                return
            }
        }
        append(kind.opcode, payload, isCompressed: false)
    }

    func queue(_ frame: SharedFrame) {
        guard isOpen else { return }
        // A frame that is masked or compressed with this connection's own window is its alone.
        guard rules.role == .server, compressor == nil || compressesAlike else {
            frame.payload.withUnsafeBytes { queue(frame.kind, $0) }
            return
        }
        let before = pendingBytes
        let length = frame.bytes.count - frame.headerBytes
        outbox.append(frame, compressor.flatMap { length >= DeflateCompressor.minimumPayload ? $0 : nil }, loop.runs)
        queued(after: before)
    }

    func writeControl(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer) {
        guard context != nil, !endsAfterFlush, !outputHasEnded else { return }
        append(opcode, payload, isCompressed: false)
    }

    /// Answers a ping, unless output is blocked: then only the newest answer is kept (RFC 6455 §5.5.3).
    func pong(_ payload: UnsafeRawBufferPointer) {
        guard context != nil else { return }
        if bytesAtTransport == 0 {
            writeControl(.pong, payload)
        } else {
            heldPong = [UInt8](payload)
        }
    }

    private func append(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool) {
        let before = pendingBytes
        let key: UInt32? = rules.role == .client ? UInt32.random(in: .min ... .max) : nil
        outbox.append(opcode, payload, isCompressed: isCompressed, maskingKey: key)
        queued(after: before)
    }

    /// A frame was queued.
    @inline(__always)
    private func queued(after before: Int) {
        touch()
        let pending = pendingBytes
        if pending >= Self.highMark { wasUnwritable = true }
        if backlog != nil || before > rules.limits.maximumPendingBytes { queuedBehindBacklog(before, pending - before) }
    }

    @inline(never)
    private func queuedBehindBacklog(_ before: Int, _ count: Int) {
        backlog?.books.queued(count, rules.limits, now: loop.now)
        // What counts is what the peer had not taken before: a single message may be larger than that.
        if before > rules.limits.maximumPendingBytes { cutOff(.hardLimit) }
    }

    @inline(__always)
    func touch() {
        guard !isTouched else { return }
        isTouched = true
        loop.touch(self)
    }

    // MARK: - Writing

    /// Bytes that the next flush writes.
    var bytesToFlush: Int { bytesAtTransport == 0 ? outbox.byteCount : 0 }

    /// Writes what was queued in this turn of the loop.
    func flush() {
        isTouched = false
        guard !isWriting else { return }
        isWriting = true
        while bytesAtTransport == 0, !outbox.isEmpty, let context {
            guard let socket, var piece = outbox.nextOnly() else {
                handOver(outbox.next(), context)
                continue
            }
            let sent = piece.buffer.withUnsafeReadableBytes { socket.send($0) }
            guard sent < piece.buffer.readableBytes else { break }
            piece.buffer.moveReaderIndex(forwardBy: sent)
            handOver(piece, context)
        }
        isWriting = false
        outputHasAdvanced()
    }

    /// Gives SwiftNIO the buffer and what fits beside it, and waits until all of it has left.
    private func handOver(_ first: Outbox.Piece?, _ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [self] in wasWritten($0) }
        var next = first
        while let piece = next {
            bytesAtTransport += piece.buffer.readableBytes
            heldAtTransport += piece.buffer.writerIndex
            runAtTransport = piece.run
            let isLast = bytesAtTransport >= Self.highMark || outbox.isEmpty
            context.write(wrapOutboundOut(piece.buffer), promise: isLast ? written : nil)
            next = isLast ? nil : outbox.next()
        }
        context.flush()
    }

    private func wasWritten(_ result: Result<Void, any Error>) {
        guard case .success = result, context != nil else { return }  // else the channel is about to say that it ended
        transportHasTakenAll()
        flush()
    }

    private func transportHasTakenAll() {
        bytesAtTransport = 0
        heldAtTransport = 0
        runAtTransport = nil
    }

    /// As much has been written as the transport takes now.
    private func outputHasAdvanced() {
        if backlog != nil || bytesAtTransport > 0 { accountOutput() }
        guard let context else { return }
        if bytesAtTransport == 0, outbox.isEmpty {
            if endsAfterFlush, !outputHasEnded {
                outputHasEnded = true
                context.close(mode: inputHasEnded ? .all : .output, promise: nil)
                return
            }
            if let payload = heldPong {
                heldPong = nil
                payload.withUnsafeBytes { writeControl(.pong, $0) }
            }
        }
        if wasUnwritable, pendingBytes < Self.lowMark {
            wasUnwritable = false
            if machine.maySend { session?.becameWritable() }
        }
    }

    // MARK: - Slow readers

    /// Brings the books up to date, and cuts off a reader that is too slow.
    func accountOutput() {
        guard let context, pendingBytes > 0 else { return closeBooks() }
        // Where SwiftNIO has a part of it, the kernel may have taken some of that.
        if bytesAtTransport > 0 {
            let left = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
            if left > 0 { bytesAtTransport = min(bytesAtTransport, left) }
        }
        let pending = pendingBytes
        let now = loop.now
        let current = backlog ?? ConnectionBacklog()
        if backlog == nil {
            backlog = current
            current.books.queued(pending, rules.limits, now: now)
        } else {
            current.books.sent(current.books.bytes - pending, rules.limits, now: now)
        }
        tell(current, heldBytes)
        let reason =
            machine.maySend
            ? current.books.verdict(rules.limits, now: now, pressure: loop.backlog.pressure) {
                socket?.unacknowledgedBytes ?? 0
            } : nil
        if let reason { cutOff(reason) } else { schedule() }
    }

    private func tell(_ backlog: ConnectionBacklog, _ pending: Int) {
        let told = backlog.toldBytes
        backlog.toldBytes = pending
        loop.backlog.changed(self, from: told, to: pending)
    }

    private func closeBooks() {
        guard let backlog else { return }
        self.backlog = nil
        tell(backlog, 0)
    }

    /// Drops what has not begun to leave.
    func dropOutput() {
        outbox.removeAll()
        heldPong = nil
    }

    /// The transport is gone.
    func endOutput() {
        dropOutput()
        transportHasTakenAll()
        closeBooks()
    }
}
