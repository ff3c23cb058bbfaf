#if os(Linux)
import CEpoll
import Glibc
import WebSocketCore

/// From a socket to a session.
extension ReactorLoop {
    /// Bytes that may arrive while the session takes nothing, before the socket is no longer read.
    private static let pausedBytes = 64 << 10

    /// Reads once, as much as a connection may have in a tick.
    func read(_ slot: SlotHandle) {
        let isPaused = slot.pointee.flags.contains(.isPaused)
        var kept = 0
        // At most 139 bytes: a session that resumes is handed what has arrived while it was paused at once.
        if let extras = slot.pointee.extras, 1...Self.inputHeadroom ~= extras.tail.count, !isPaused {
            kept = extras.tail.count
            extras.tail.withUnsafeBytes { tail in
                if let base = tail.baseAddress { input.copyMemory(from: base, byteCount: kept) }
            }
        }
        let most = hasHandledEnough ? Self.lightRead : Self.readBudget
        let count = parley_recv(slot.pointee.descriptor, input + kept, most)
        statistics.reads &+= 1
        guard count > 0 else { return nothingRead(count, slot) }
        statistics.largestRead = max(statistics.largestRead, count)
        slot.pointee.machine.receivedBytes(count, now: now)
        guard slot.pointee.machine.isAtRest || slot.pointee.machine.mayReceive else { return }
        if isPaused {
            keep(UnsafeRawBufferPointer(start: input, count: count), slot)
        } else {
            if kept > 0 { slot.pointee.extras?.tail = [] }
            tickOutput.pointee.reader = slot
            process(UnsafeMutableRawBufferPointer(start: input, count: kept &+ count), slot)
            writeLong(slot)
            tickOutput.pointee.reader = nil
            // Counting each short message would cost every one of them instructions.
            if count >= MessageReader.largeBytes { countLargeRead(count, slot) }
            if count == Self.lightRead, most == count { waitForTurn(slot) }
        }
        if slot.pointee.machine.exceedsByteRate(now: now) { hold(slot) }
        if !slot.pointee.machine.isAtRest || slot.pointee.extras != nil {
            answerWhilePaused(slot)
            settle(slot)
        }
    }

    private func nothingRead(_ result: Int, _ slot: SlotHandle) {
        guard result == 0 else {
            if -result != EAGAIN, -result != EINTR { condemn(slot) }
            return
        }
        // The peer has ended its side: a WebSocket can not stay half open (RFC 6455 §7.1).
        finishReading(slot)
        slot.pointee.flags.insert(.inputHasEnded)
        updateInterest(slot)
        act(slot.pointee.machine.transportEnded(), slot)
    }

    /// What had arrived behind the request when the connection was handed over.
    func takeReceived(_ bytes: [UInt8], _ slot: SlotHandle) {
        slot.pointee.machine.receivedBytes(bytes.count, now: now)
        extras(of: slot).tail = bytes
        if !slot.pointee.flags.contains(.isPaused) { processTail(slot) }
        answerWhilePaused(slot)
        settle(slot)
    }

    /// Hands the session every message in `input`, and keeps what is not a whole frame.
    private func process(_ input: UnsafeMutableRawBufferPointer, _ slot: SlotHandle) {
        guard let base = input.baseAddress, let session = slot.pointee.session else { return }
        let bytes = UnsafeRawBufferPointer(input)
        var position = 0
        var endOfWhole = 0
        slot.pointee.flags.insert(.isProcessing)
        // A session that pauses gets nothing more until it resumes, not even the end that a next frame may bring.
        reading: while !slot.pointee.flags.contains(.isPaused) {
            if let message = slot.pointee.machine.nextWholeMessage(
                base, count: bytes.count, position: position, now: now)
            {
                position = message.start &+ message.count
                endOfWhole = position
                let payload = UnsafeRawBufferPointer(start: base + message.start, count: message.count)
                session.received(message.kind, payload.bytes)
                continue
            }
            if position == bytes.count, slot.pointee.machine.isAtRest { break }
            switch slot.pointee.machine.next(bytes, position: &position, output: base, now: now) {
            case .needsInput:
                break reading
            case .message(let kind, let range):
                let payload = UnsafeRawBufferPointer(
                    start: base + range.lowerBound, count: range.upperBound &- range.lowerBound)
                session.received(kind, payload.bytes)
            case .assembledMessage(let kind, let message):
                session.received(kind, message.span.bytes)
                if countLarge(message.count, slot) {
                    if position < bytes.count { waitForTurn(slot) }
                    break reading
                }
            case .sendPong(let range):
                pong(UnsafeRawBufferPointer(rebasing: bytes[range]), slot)
            case .held:
                hold(slot)
                break reading
            case .closing(let action):
                act(action, slot)
            }
        }
        // Of a message that is not finished, or that was too long.
        if slot.pointee.machine.inflates { _ = countLarge(0, slot) }
        if endOfWhole > 0 { slot.pointee.machine.receivedWholeMessages(now: now) }
        slot.pointee.flags.remove(.isProcessing)
        if slot.pointee.flags.contains(.isPaused) {
            slot.pointee.flags.insert(.isBetweenFrames)
        } else {
            slot.pointee.flags.remove(.isBetweenFrames)
        }
        if position < bytes.count { extras(of: slot).tail = [UInt8](bytes[position...]) }
    }

    /// Reads what was kept of earlier reads.
    func processTail(_ slot: SlotHandle) {
        guard let extras = slot.pointee.extras, !extras.tail.isEmpty, !isHeld(slot) else { return }
        guard !slot.pointee.flags.contains(.isProcessing), !hasToWait(slot) else { return }
        var tail: [UInt8] = []
        swap(&tail, &extras.tail)
        tail.withUnsafeMutableBytes { process($0, slot) }
    }

    /// While the session takes nothing, what arrives waits, up to a limit.
    private func keep(_ bytes: UnsafeRawBufferPointer, _ slot: SlotHandle) {
        let extras = extras(of: slot)
        extras.tail.append(contentsOf: bytes)
        if extras.tail.count >= Self.pausedBytes {
            slot.pointee.flags.insert(.socketIsNotRead)
            updateInterest(slot)
        }
    }

    /// The peer may ask whether this side is there while the session works: what it asks before its next message or
    /// close frame is answered (RFC 6455 §5.5.2).
    func answerWhilePaused(_ slot: SlotHandle) {
        guard slot.pointee.flags.contains(.isPaused), slot.pointee.flags.contains(.isBetweenFrames),
            !slot.pointee.flags.contains(.isProcessing), let extras = slot.pointee.extras
        else { return }
        slot.pointee.flags.insert(.isProcessing)
        var tail: [UInt8] = []
        swap(&tail, &extras.tail)
        var start = 0
        tail.withUnsafeMutableBytes { bytes in
            while let length = FrameHeader.lengthOfLeadingPing(in: UnsafeRawBufferPointer(rebasing: bytes[start...])) {
                let frame = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + length])
                guard let base = frame.baseAddress else { break }
                var position = 0
                let event = slot.pointee.machine.next(
                    UnsafeRawBufferPointer(frame), position: &position, output: base, now: now)
                if case .sendPong(let range) = event {
                    pong(UnsafeRawBufferPointer(rebasing: frame[range]), slot)
                } else if case .closing(let action) = event {
                    act(action, slot)
                }
                start += length
            }
        }
        if start > 0 { tail.removeFirst(start) }
        extras.tail = tail
        slot.pointee.flags.remove(.isProcessing)
        if !slot.pointee.flags.contains(.isPaused) { processTail(slot) }
    }

    /// After reading: the books on unfinished messages, and the timer.
    func settle(_ slot: SlotHandle) {
        let extras = extras(of: slot)
        // What was kept for a session whose connection is being closed is dropped when it is told, in this tick.
        let waits = slot.pointee.machine.maySend && (isHeld(slot) || slot.pointee.flags.contains(.isPaused))
        let held = slot.pointee.machine.assembledBytes + (waits ? extras.tail.count : 0)
        if held != extras.accountedBytes {
            assemblingBytes += held - extras.accountedBytes
            let hasGrown = held > extras.accountedBytes
            extras.accountedBytes = held
            if hasGrown, assemblingBytes > assemblyBudget { shedAssembly() }
        }
        trimExtras(slot)
        if !slot.pointee.machine.isAtRest { reschedule(slot) }
    }

    /// The loop holds too much of unfinished messages: closes those that hold most, until an eighth is free.
    private func shedAssembly() {
        var holders: [(slot: SlotHandle, bytes: Int)] = []
        forEachConnection { slot in
            guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]), slot.pointee.machine.maySend,
                let bytes = slot.pointee.extras?.accountedBytes, bytes > 0
            else { return }
            holders.append((slot, bytes))
        }
        holders.sort { $0.bytes > $1.bytes }
        for (slot, _) in holders {
            guard assemblingBytes > assemblyBudget - assemblyBudget / 8 else { return }
            beginClosing(
                CloseFrame(code: .tryAgainLater, reason: "too many unfinished messages on this server"), slot)
            // The rest of closing calls its session, which may be the one that is called just now.
            tellLater(slot)
            settle(slot)
        }
    }

    /// Stops or resumes handing messages to the session; the socket is read until ``pausedBytes`` wait.
    func setReading(_ isReading: Bool, _ slot: SlotHandle) {
        let flags = slot.pointee.flags
        guard flags.isDisjoint(with: [.readingHasEnded, .isCondemned, .hasEnded]) else { return }
        guard isReading == flags.contains(.isPaused), isReading || slot.pointee.machine.maySend else { return }
        guard isReading else {
            slot.pointee.flags.insert(.isPaused)
            if !flags.contains(.isProcessing), slot.pointee.machine.isAtRest {
                slot.pointee.flags.insert(.isBetweenFrames)
            }
            return
        }
        slot.pointee.flags.remove(.isPaused)
        guard !slot.pointee.flags.contains(.isProcessing) else { return }
        processTail(slot)
        answerWhilePaused(slot)
        settle(slot)
        if slot.pointee.flags.isDisjoint(with: [.isPaused, .isCondemned]), flags.contains(.socketIsNotRead) {
            slot.pointee.flags.remove(.socketIsNotRead)
            slot.pointee.machine.socketWasNotRead(now: now)
            updateInterest(slot)
        }
    }

    /// The session wants nothing more of what it is handed at the end.
    func dropRest(_ slot: SlotHandle) {
        let atEnd: Slot.Flags = [.readingHasEnded, .isProcessing]
        if slot.pointee.flags.isSuperset(of: atEnd) { slot.pointee.flags.insert(.isPaused) }
    }

    /// The last bytes are here: hand over what waits for the session, as there is no later.
    func finishReading(_ slot: SlotHandle) {
        slot.pointee.flags.insert(.readingHasEnded)
        guard slot.pointee.flags.contains(.isPaused) else { return }
        slot.pointee.flags.remove(.isPaused)
        endHold(slot)
        var left = Int.max
        while let tail = slot.pointee.extras?.tail, 1..<left ~= tail.count,
            !slot.pointee.machine.inflates || !hasHandledEnough
        {
            left = tail.count
            slot.pointee.machine.forgiveRate()
            processTail(slot)
        }
        guard slot.pointee.flags.contains(.isPaused) else { return }
        slot.pointee.flags.remove(.isPaused)
        slot.pointee.extras?.tail = []
    }

    /// Answers a ping, unless output is blocked: then only the newest answer is kept (RFC 6455 §5.5.3).
    private func pong(_ payload: UnsafeRawBufferPointer, _ slot: SlotHandle) {
        if let extras = slot.pointee.extras, extras.backlog != nil {
            extras.heldPong = [UInt8](payload)
        } else {
            writeControl(.pong, payload, to: slot)
        }
    }
}
#endif
