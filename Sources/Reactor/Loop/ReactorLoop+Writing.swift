#if os(Linux)
import CEpoll
import Glibc
import WebSocketCore

/// From a session to a socket.
extension ReactorLoop {
    /// From here on ``WebSocketConnection/isWritable`` says no.
    static let highMark = 64 << 10
    /// And below this yes again.
    private static let lowMark = 32 << 10

    /// A message of so many bytes does not go the short way.
    private static let longBytes = LoopLimits.longBytes

    // MARK: - What sessions send

    /// Queues an encoded frame by reference.
    ///
    /// Here is the way that fan-out takes: nothing about the connection needs a second look, and others have been queued
    /// the same. It counts no references and calls nothing.
    @inline(__always)
    static func send(_ frame: SharedFrame, to slot: SlotHandle) {
        let tick = slot.pointee.tick
        let known = slot.pointee.output.map { $0.pointee.next } ?? tick.pointee.lastRoot
        guard slot.pointee.machine.maySend, slot.pointee.extras == nil, let known, known.pointee.ends(with: frame),
            tick.pointee.touchCheaply(slot)
        else { return sendWithCare(frame, to: slot) }
        slot.pointee.output = known
    }

    @inline(never)
    private static func sendWithCare(_ frame: SharedFrame, to slot: SlotHandle) {
        slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef { $0.sendWithCare(frame, to: slot) }
    }

    private func sendWithCare(_ frame: SharedFrame, to slot: SlotHandle) {
        guard takesMessages(slot) else { return }
        guard let codecs = slot.pointee.extras?.codecs, let form = compressed(frame, codecs) else {
            return queue(frame, on: slot)
        }
        queue(form, on: slot)
    }

    /// Whether messages may be sent to a connection that may have ended.
    private func takesMessages(_ slot: SlotHandle) -> Bool {
        slot.pointee.machine.maySend && slot.pointee.flags.isDisjoint(with: isOver)
    }

    /// What a connection is sent nothing for any more.
    private var isOver: Slot.Flags {
        PlantedLoopBug.isOn(.sendToCondemned) ? .hasEnded : [.isCondemned, .hasEnded]
    }

    /// Queues a frame in the form in which it leaves.
    private func queue(_ frame: SharedFrame, on slot: SlotHandle) {
        if let backlog = slot.pointee.extras?.backlog {
            backlog.append(frame, slot.pointee.machine.limits, now: now)
            backlogHasGrown(slot)
        } else if let run = slot.pointee.output, isTooLargeToCopy(run, and: frame) {
            sendEarly(run, slot)
            if takesMessages(slot) { queue(frame, on: slot) }
        } else if let run = tickOutput.pointee.run(slot.pointee.output, and: frame) {
            slot.pointee.output = run
            tickOutput.pointee.touch(slot)
        } else {
            queueAfterWriting(frame, on: slot)
        }
    }

    /// Whether a frame must not be copied into a run or behind it: where many connections have a message of a MiB and each
    /// something of its own, a tick would make a copy for each before any budget hears of it.
    private func isTooLargeToCopy(_ run: RunHandle, and frame: SharedFrame) -> Bool {
        frame.bytes.count >= limits.largeRunBytes
            || run.pointee.count >= (run.pointee.isOwn ? limits.copiedRunBytes : limits.largeRunBytes)
                && !tickOutput.pointee.growsInPlace(run)
    }

    /// Sends what is queued to a connection before the end of the tick, or has it wait as a backlog, so that what comes next
    /// is a run of its own.
    private func sendEarly(_ run: RunHandle, _ slot: SlotHandle) {
        let flags = slot.pointee.flags
        slot.pointee.output = nil
        if run.pointee.count < limits.largeRunBytes || !waitsForTurn(run, slot, flags) { write(slot, flags, run) }
    }

    /// The arena is full: what is in it leaves first, and then there is room for anything.
    @inline(never)
    private func queueAfterWriting(_ frame: SharedFrame, on slot: SlotHandle) {
        write(atMost: .max)
        if takesMessages(slot) { queue(frame, on: slot) }
    }

    /// Whether the loop compresses `count` bytes more for one connection alone in this turn; any number as the first. What is
    /// beyond leaves as it is, which a peer has to take (RFC 7692 §6): where each connection has a window of its own, one
    /// long message for many would hold up everybody else.
    private func mayCompress(_ count: Int) -> Bool {
        guard compressedBytes == 0 || compressedBytes &+ count <= LoopLimits.compressedBytes else { return false }
        compressedBytes &+= count
        return true
    }

    /// The frame as this connection's peer expects it; `nil` when it goes as it is.
    private func compressed(_ frame: SharedFrame, _ codecs: MessageCodecs) -> SharedFrame? {
        guard frame.payload.count >= MessageCodecs.minimumPayload else { return nil }
        let compressor = ObjectIdentifier(codecs.compressor)
        if codecs.compressesAlike {
            for known in compressedForms where known.frame === frame && known.compressor == compressor {
                return known.form
            }
        }
        guard codecs.compressesAlike || mayCompress(frame.payload.count) else { return nil }
        var bytes: [UInt8] = []
        let isCompressed = frame.payload.withUnsafeBytes { codecs.compressor.compress($0, into: &bytes) }
        let form = isCompressed ? SharedFrame(frame.kind, bytes, isCompressed: true) : frame
        if codecs.compressesAlike {
            if compressedForms.count > 64 { compressedForms.removeAll(keepingCapacity: true) }
            compressedForms.append((frame, compressor, form))
        }
        return form
    }

    /// Encodes and queues a message.
    ///
    /// Here is the way of an answer to what was just read: nothing else waits for that connection, and it goes to the end
    /// of the arena.
    @inline(__always)
    static func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, to slot: SlotHandle) {
        let tick = slot.pointee.tick
        let count = payload.count
        guard slot.pointee.machine.maySend, slot.pointee.extras == nil, count < longBytes else {
            return encode(kind, payload, to: slot)
        }
        let isQueued = TickOutput.appendInPlace(atMost: count &+ FrameHeader.maximumBytes, to: slot, tick) { place in
            // RFC 6455 §5.2: FIN, the opcode, and the length in its shortest form.
            var headerBytes = 2
            if count <= 125 {
                let head = UInt16(0x80 | kind.rawValue) | UInt16(truncatingIfNeeded: count) << 8
                place.storeBytes(of: head.littleEndian, as: UInt16.self)
            } else {
                let head = UInt32(0x80 | kind.rawValue) << 24 | 126 << 16 | UInt32(truncatingIfNeeded: count)
                place.storeBytes(of: head.bigEndian, as: UInt32.self)
                headerBytes = 4
            }
            if let source = payload.baseAddress {
                (place + headerBytes).copyMemory(from: source, byteCount: count)
            }
            return headerBytes &+ count
        }
        if !isQueued { encode(kind, payload, to: slot) }
    }

    @inline(never)
    private static func encode(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, to slot: SlotHandle
    ) {
        slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef { $0.encode(kind, payload, to: slot) }
    }

    /// As ``send(_:_:to:)``, wherever it goes.
    private func encode(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer, to slot: SlotHandle) {
        guard takesMessages(slot) else { return }
        if let codecs = slot.pointee.extras?.codecs, payload.count >= MessageCodecs.minimumPayload,
            mayCompress(payload.count)
        {
            var compressed: [UInt8] = []
            if codecs.compressor.compress(payload, into: &compressed) {
                compressed.withUnsafeBytes { write(kind.opcode, $0, isCompressed: true, to: slot) }
                return
            }
        }
        let input = UnsafeRawBufferPointer(start: input, count: Self.inputHeadroom &+ Self.readBudget)
        if payload.count >= limits.longBytes, slot.pointee.extras?.backlog == nil,
            tickOutput.pointee.answer(kind, payload, to: slot, in: input)
        {
            return
        }
        write(kind.opcode, payload, isCompressed: false, to: slot)
    }

    func writeClose(_ frame: CloseFrame, to slot: SlotHandle) {
        frame.payload.withUnsafeBytes { writeControl(.close, $0, to: slot) }
    }

    /// A control frame goes out also when messages no longer may, until our side has ended.
    func writeControl(_ opcode: Opcode, _ payload: UnsafeRawBufferPointer, to slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.endsAfterWriting, .isCondemned, .hasEnded]) else { return }
        write(opcode, payload, isCompressed: false, to: slot)
    }

    @inline(__always)
    private func write(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool, to slot: SlotHandle
    ) {
        let room = payload.count &+ FrameHeader.maximumBytes
        if let run = slot.pointee.output, run.pointee.count >= limits.copiedRunBytes,
            !tickOutput.pointee.growsInPlace(run)
        {
            sendEarly(run, slot)
            // That may have been the end of this connection.
            guard slot.pointee.flags.isDisjoint(with: isOver), opcode == .close || slot.pointee.machine.maySend else {
                return
            }
        }
        if let backlog = slot.pointee.extras?.backlog {
            return write(opcode, payload, isCompressed: isCompressed, to: slot, behind: backlog)
        }
        if !tickOutput.pointee.hasRoom(for: room &+ (slot.pointee.output?.pointee.count ?? 0)) {
            write(atMost: .max)
            // That may have been the end of this connection, too: nothing goes behind its close frame.
            guard slot.pointee.flags.isDisjoint(with: isOver), opcode == .close || slot.pointee.machine.maySend else {
                return
            }
            if let backlog = slot.pointee.extras?.backlog {
                return write(opcode, payload, isCompressed: isCompressed, to: slot, behind: backlog)
            }
        }
        tickOutput.pointee.append(atMost: room, to: slot) { place in
            Self.encode(
                opcode, payload, isCompressed: isCompressed,
                into: UnsafeMutableRawBufferPointer(start: place, count: room))
        }
    }

    @inline(never)
    private func write(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool, to slot: SlotHandle,
        behind backlog: Backlog
    ) {
        let frame = [UInt8](unsafeUninitializedCapacity: payload.count + FrameHeader.maximumBytes) { space, count in
            count = Self.encode(
                opcode, payload, isCompressed: isCompressed, into: UnsafeMutableRawBufferPointer(space))
        }
        frame.withUnsafeBytes { backlog.append($0, slot.pointee.machine.limits, now: now) }
        backlogHasGrown(slot)
    }

    @inline(__always)
    private static func encode(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool,
        into space: UnsafeMutableRawBufferPointer
    ) -> Int {
        let header = FrameHeader(isCompressed: isCompressed, opcode: opcode, payloadLength: payload.count)
        let headerBytes = header.write(to: space)
        if let source = payload.baseAddress, let base = space.baseAddress {
            (base + headerBytes).copyMemory(from: source, byteCount: payload.count)
        }
        return headerBytes &+ payload.count
    }

    // MARK: - At the end of the tick

    /// Writes what was queued in this tick to one that was on the list for that: one call of the system.
    @inline(__always)
    func write(_ slot: SlotHandle, _ flags: Slot.Flags, _ run: RunHandle?) {
        guard let run, flags.isDisjoint(with: Self.needCare) else { return writeWithCare(slot, run) }
        _ = send(run, slot)
    }

    /// A connection that has ended or is about to, whose session waits for its peer, or that is answered in place.
    private static var needCare: Slot.Flags {
        [.isCondemned, .hasEnded, .endsAfterWriting, .wasUnwritable, .answersInPlace]
    }

    /// Sends a run that is not an answer in place, which nobody names any more; whether all of it has left.
    @inline(__always)
    private func send(_ run: RunHandle, _ slot: SlotHandle) -> Bool {
        statistics.writes &+= 1
        let descriptor = slot.pointee.descriptor
        let sent = tickOutput.pointee.withStoredBytes(of: run) { parley_send(descriptor, $0, $1) }
        if sent == run.pointee.count { return true }
        hold(run, sent: sent, slot)
        return false
    }

    /// Writes the answer to what was just read at once when it is long: as long as it is in the processor's cache.
    @inline(__always)
    func writeLong(_ slot: SlotHandle) {
        guard let run = slot.pointee.output, run.pointee.count >= limits.longBytes, run.pointee.isOwn else { return }
        slot.pointee.output = nil
        guard slot.pointee.flags.isDisjoint(with: Self.needCare) else { return writeWithCare(slot, run) }
        if send(run, slot) { tickOutput.pointee.rewind(run) }
    }

    /// As ``write(_:_:_:)``, for a connection that needs a second look.
    @inline(never)
    private func writeWithCare(_ slot: SlotHandle, _ run: RunHandle?) {
        if slot.pointee.flags.contains(.hasEnded) {
            if !PlantedLoopBug.isOn(.neverReleaseTouched) { releaseUnlessListed(slot) }
            return
        }
        guard !slot.pointee.flags.contains(.isCondemned) else { return }
        if let run {
            slot.pointee.flags.remove(.answersInPlace)
            statistics.writes &+= 1
            let descriptor = slot.pointee.descriptor
            let sent = tickOutput.pointee.withBytes(of: run) { parley_send(descriptor, $0, $1) }
            if sent != run.pointee.count { hold(run, sent: sent, slot) }
        }
        outputMayHaveEnded(slot)
        if slot.pointee.flags.contains(.wasUnwritable), pendingBytes(slot) < Self.lowMark { tellLater(slot) }
    }

    /// Has what many are sent wait as a backlog, which leaves in one of the next ticks, when this one has sent as much of
    /// that kind as it may: one message of a MiB to a thousand members takes a second, and short messages go ahead of it.
    ///
    /// - Returns: whether it waits.
    @inline(never)
    func waitsForTurn(_ run: RunHandle, _ slot: SlotHandle, _ flags: Slot.Flags) -> Bool {
        let isFull = largeBytesSent >= limits.largeWriteBytes
        guard isFull, !run.pointee.isOwn, flags.isDisjoint(with: [.isCondemned, .hasEnded, .answersInPlace]),
            run.pointee.isLoneFrame || run.pointee.count <= slot.pointee.machine.limits.maximumPendingBytes
        else {
            largeBytesSent &+= run.pointee.count
            return false
        }
        largeOutputWaits = 2
        hold(run, sent: 0, slot)
        return true
    }

    /// The peer does not take everything: the rest waits until there is room.
    @inline(never)
    private func hold(_ run: RunHandle, sent result: Int, _ slot: SlotHandle) {
        if result < 0, -result != EAGAIN, -result != EINTR { return condemn(slot) }
        if !run.pointee.isLoneFrame, let budget, backlogBytes &+ run.pointee.count > budget.limit {
            // The node hears of copies at the end of the tick, and more than it has room for are not made.
            report(slot, .nodeBudget, pendingBytes: run.pointee.count)
            return condemn(slot)
        }
        let sent = PlantedLoopBug.isOn(.sendTwice) ? 0 : max(result, 0)
        let backlog = Backlog(heldOutput)
        let limits = slot.pointee.machine.limits
        let rest = run.pointee.count &- sent
        if !run.pointee.isLoneFrame, rest > limits.maximumPendingBytes, slot.pointee.machine.maySend {
            // So much was queued in one tick that not even a part of it may wait.
            if run.pointee.isOwn {
                tickOutput.pointee.withBytes(of: run) { base, count in
                    backlog.beginLast(
                        UnsafeRawBufferPointer(start: base, count: count), sent: sent, limits, now: now)
                }
            } else {
                backlog.beginLast(heldRun(run), sent: sent, limits, now: now)
                endsOfRuns.append(backlog)
            }
            setBacklog(backlog, slot)
            report(slot, .hardLimit, pendingBytes: rest)
            return cutOff(slot)
        }
        if run.pointee.isLoneFrame, let frame = run.pointee.frame {
            backlog.begin(Unmanaged<SharedFrame>.fromOpaque(frame).takeUnretainedValue(), sent: sent, limits, now: now)
        } else if run.pointee.isOwn {
            tickOutput.pointee.withBytes(of: run) { base, count in
                backlog.begin(UnsafeRawBufferPointer(start: base, count: count), sent: sent, limits, now: now)
            }
        } else {
            backlog.begin(heldRun(run), sent: sent, limits, now: now)
        }
        setBacklog(backlog, slot)
        judgeBacklog(slot)
        reschedule(slot)
    }

    /// A copy of a shared run that outlives the tick, one for all connections that have it: they come one after the
    /// other.
    private func heldRun(_ run: RunHandle) -> HeldRun {
        if let lastHeldRun, lastHeldRun.run == run { return lastHeldRun.held }
        let held = tickOutput.pointee.withBytes(of: run) { HeldRun(UnsafeRawBufferPointer(start: $0, count: $1)) }
        lastHeldRun = (run, held)
        return held
    }

    private func setBacklog(_ backlog: Backlog, _ slot: SlotHandle) {
        let extras = extras(of: slot)
        assert(extras.backlog == nil, "a connection has two backlogs")
        extras.backlog = backlog
        updateInterest(slot)
        backlogHasChanged(to: backlog.bytes)
        if backlog.bytes >= Self.highMark { slot.pointee.flags.insert(.wasUnwritable) }
    }

    /// There is room again: writes once more.
    func writeBacklog(_ slot: SlotHandle) {
        guard let extras = slot.pointee.extras, let backlog = extras.backlog else { return }
        // The kernel says again that there is room, and those that have waited come first then.
        guard largeBytesSent < limits.largeWriteBytes else {
            largeOutputWaits = 2
            return
        }
        switch send(backlog, slot) {
        case .unfinished:
            if backlog.bytes < Self.lowMark { tellWritable(slot) }
        case .broken: condemn(slot)
        case .finished:
            extras.backlog = nil
            updateInterest(slot)
            if let payload = extras.heldPong {
                extras.heldPong = nil
                // Behind a close frame nobody reads it.
                if slot.pointee.machine.maySend { payload.withUnsafeBytes { writeControl(.pong, $0, to: slot) } }
            }
            trimExtras(slot)
            outputMayHaveEnded(slot)
            tellWritable(slot)
        }
    }

    private func send(_ backlog: Backlog, _ slot: SlotHandle) -> Backlog.Progress {
        let before = backlog.bytes
        let progress = backlog.write(to: slot.pointee.descriptor, slot.pointee.machine.limits, now: now)
        statistics.writes &+= 1
        largeBytesSent &+= before &- backlog.bytes
        backlogHasChanged(to: backlog.bytes)
        return progress
    }

    func tellWritable(_ slot: SlotHandle) {
        guard slot.pointee.flags.contains(.wasUnwritable), !slot.pointee.flags.contains(.hasEnded),
            slot.pointee.machine.maySend
        else { return }
        slot.pointee.flags.remove(.wasUnwritable)
        slot.pointee.session?.becameWritable()
    }

    /// Ends our side when that was asked for and everything has left.
    private func outputMayHaveEnded(_ slot: SlotHandle) {
        let flags = slot.pointee.flags
        guard flags.contains(.endsAfterWriting), slot.pointee.output == nil, slot.pointee.extras?.backlog == nil,
            flags.isDisjoint(with: [.outputHasEnded, .isCondemned])
        else { return }
        slot.pointee.flags.insert(.outputHasEnded)
        if flags.contains(.inputHasEnded) { return condemn(slot) }
        shutdown(slot.pointee.descriptor, Int32(SHUT_WR))
    }

    // MARK: - Readers that do not keep up

    func pendingBytes(_ slot: SlotHandle) -> Int {
        (slot.pointee.output?.pointee.count ?? 0) + (slot.pointee.extras?.backlog?.bytes ?? 0)
    }

    func isWritable(_ slot: SlotHandle) -> Bool {
        guard slot.pointee.machine.maySend else { return false }
        if pendingBytes(slot) < Self.highMark, !slot.pointee.flags.contains(.wasUnwritable) { return true }
        slot.pointee.flags.insert(.wasUnwritable)
        return false
    }

    private func backlogHasGrown(_ slot: SlotHandle) {
        guard let backlog = slot.pointee.extras?.backlog else { return }
        backlogHasChanged(to: backlog.bytes)
        if backlog.bytes >= Self.highMark { slot.pointee.flags.insert(.wasUnwritable) }
        judgeBacklog(slot)
        if slot.pointee.machine.maySend { reschedule(slot) }
    }

    /// Cuts the reader off when too much waits, or for too long, and it does not take anything now either: where the loop
    /// has not come round to sending, the reader is not to blame.
    func judgeBacklog(_ slot: SlotHandle) {
        guard slot.pointee.machine.maySend, let backlog = slot.pointee.extras?.backlog,
            verdict(backlog, slot) != nil
        else { return }
        if largeBytesSent >= limits.largeWriteBytes, parley_takes_more(slot.pointee.descriptor) != 0 {
            largeOutputWaits = 2
            return
        }
        if case .broken = send(backlog, slot) { return condemn(slot) }
        if let reason = verdict(backlog, slot) { cutOff(slot, reason) }
    }

    private func verdict(_ backlog: Backlog, _ slot: SlotHandle) -> SlowReader.Reason? {
        backlog.verdict(slot.pointee.machine.limits, now: now, pressure: budget?.pressure ?? .none) {
            Int(parley_unacknowledged(slot.pointee.descriptor))
        }
    }

    /// Cuts a reader off that does not keep up: what has not begun to leave is dropped, at a frame's boundary, and the
    /// code invites it to come back.
    func cutOff(_ slot: SlotHandle, _ reason: SlowReader.Reason) {
        guard let backlog = slot.pointee.extras?.backlog, slot.pointee.machine.maySend else { return }
        report(slot, reason, pendingBytes: backlog.bytes)
        backlog.dropUnbegun(slot.pointee.machine.limits, now: now)
        backlogHasChanged(to: backlog.bytes)
        cutOff(slot)
        if reason == .nodeBudget, backlog.memory > Self.mostWhenClosing { drop(slot) }
    }

    /// Closes without a word to any session: the loop may be writing, or the session of another connection at work.
    private func cutOff(_ slot: SlotHandle) {
        beginClosing(SlowReader.closeFrame(slot.pointee.machine.limits), slot)
        tellLater(slot)
    }

    private func report(_ slot: SlotHandle, _ reason: SlowReader.Reason, pendingBytes: Int) {
        statistics.slowReaders &+= 1
        onSlowReader(
            SlowReader(reason: reason, pendingBytes: pendingBytes, peer: peerForLog(slot)))
    }
}
#endif
