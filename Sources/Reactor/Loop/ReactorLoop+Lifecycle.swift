#if os(Linux)
import Glibc
import WebSocketCore

/// How a connection comes to a loop, and how it ends there.
extension ReactorLoop {
    /// Takes a connection over that was handed to this loop.
    func take(_ connection: HandedOverConnection) {
        let opened = connection.open(self)
        let machine = ConnectionStateMachine(
            rules: rules(for: connection.limits), decompressor: opened.codecs?.decompressor, now: now)
        let extras = opened.codecs.map { Slot.Extras(codecs: $0) }
        let slot = slab.insert { index in
            Slot(
                machine: machine, session: opened.session, connection: nil, extras: extras, output: nil,
                tick: tickOutput, descriptor: connection.descriptor, index: index, next: Slab.none,
                previous: Slab.none, timerList: TimerWheel.unlisted, flags: [])
        }
        let handle = ReactorConnection(slot, connection.claim)
        slot.pointee.connection = handle
        guard poller.add(connection.descriptor, .reading, slot) else { return condemn(slot) }
        wheel.schedule(slot, at: slot.pointee.machine.nextDeadline, now: now)
        opened.session.opened(handle)
        if let farewell { bid(farewell, slot) }
        if !connection.received.isEmpty { takeReceived(connection.received, slot) }
    }

    /// Something has happened on a connection's socket.
    func handle(_ readiness: Poller.Readiness, _ slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { return }
        if readiness.contains(.writable) {
            writeBacklog(slot)
            guard !slot.pointee.flags.contains(.isCondemned) else { return }
        }
        if readiness.contains(.readable) {
            if !hasToWait(slot) { read(slot) }
        } else if !readiness.isDisjoint(with: .ended) {
            // Nobody reads this socket at the moment, and there is nothing more to come.
            condemn(slot)
        }
    }

    /// What the connection waits for has changed.
    func updateInterest(_ slot: SlotHandle) {
        var interest: Poller.Interest = []
        if slot.pointee.flags.isDisjoint(with: [.inputHasEnded, .socketIsNotRead]), !isHeld(slot) {
            interest.insert(.reading)
        }
        if slot.pointee.extras?.backlog != nil { interest.insert(.writing) }
        poller.modify(slot.pointee.descriptor, interest, slot)
    }

    /// The connection is over: tells the session, once, and frees everything.
    func end(_ slot: SlotHandle) {
        guard !slot.pointee.flags.contains(.hasEnded) else { return }
        finishReading(slot)
        _ = slot.pointee.machine.transportEnded()
        if !PlantedLoopBug.isOn(.keepTimer) { wheel.remove(slot) }
        poller.remove(slot.pointee.descriptor)
        Glibc.close(slot.pointee.descriptor)
        forgetExtras(slot)
        let session = slot.pointee.session
        let result = slot.pointee.machine.result
        slot.pointee.connection?.detach()
        slot.pointee.connection = nil
        slot.pointee.session = nil
        slot.pointee.output = nil
        slot.pointee.flags.insert(.hasEnded)
        releaseUnlessListed(slot)
        session?.closed(result)
    }

    /// Gives the slot of a connection back that has ended, unless a list names it: then it is when it comes off that.
    func releaseUnlessListed(_ slot: SlotHandle) {
        let isTouched = slot.pointee.flags.contains(.isTouched) && !PlantedLoopBug.isOn(.releaseTouched)
        guard !isTouched, slot.pointee.flags.isDisjoint(with: [.isToBeTold, .waitsForTurn]) else { return }
        slab.release(slot)
    }

    private func forgetExtras(_ slot: SlotHandle) {
        guard let extras = slot.pointee.extras else { return }
        if !PlantedLoopBug.isOn(.keepAssemblingBytes) { assemblingBytes -= extras.accountedBytes }
        backlogHasGone(extras)
        slot.pointee.extras = nil
    }

    /// The extras of a connection, made when it has none.
    func extras(of slot: SlotHandle) -> Slot.Extras {
        if let extras = slot.pointee.extras { return extras }
        let extras = Slot.Extras()
        slot.pointee.extras = extras
        return extras
    }

    /// Gives the extras back when nothing is in them; one that is condemned keeps them, see ``condemn(_:)``.
    func trimExtras(_ slot: SlotHandle) {
        guard !slot.pointee.flags.contains(.isCondemned) else { return }
        if slot.pointee.extras?.isIdle == true { slot.pointee.extras = nil }
    }

    // MARK: - Time

    func timerFired(_ slot: SlotHandle) {
        let flags = slot.pointee.flags
        guard flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { return }
        if flags.contains(.inputHasEnded) {  // what was queued for a peer that has ended its own side had its chance
            return condemn(slot)
        }
        judgeHold(slot)
        guard !slot.pointee.flags.contains(.isCondemned) else { return }
        // While this side does not read, the peer's silence says nothing about it.
        if !flags.isDisjoint(with: [.socketIsNotRead, .waitsForTurn]) {
            slot.pointee.machine.socketWasNotRead(now: now)
        }
        if flags.contains(.isPaused) { slot.pointee.machine.readingIsPaused(now: now) }
        judgeBacklog(slot)
        if let farewell { bid(farewell, slot) }
        switch slot.pointee.machine.tick(now: now) {
        case .none: break
        case .sendPing:
            slot.pointee.session?.peerIsSilent()
            writeControl(.ping, UnsafeRawBufferPointer(start: nil, count: 0), to: slot)
        case .closing(let action):
            act(action, slot)
            resumeReading(slot)
        }
        if !slot.pointee.flags.contains(.isCondemned) { wheel.schedule(slot, at: nextDeadline(of: slot), now: now) }
    }

    private func nextDeadline(of slot: SlotHandle) -> MonotonicInstant {
        let deadline = slot.pointee.machine.nextDeadline
        guard slot.pointee.machine.maySend, let extras = slot.pointee.extras else { return deadline }
        let forBacklog = extras.backlog?.pending.nextVerdict(slot.pointee.machine.limits) ?? deadline
        return min(deadline, forBacklog, extras.hold?.until ?? deadline)
    }

    /// Moves the timer when the next deadline has come nearer; one that moved away is noticed when it fires.
    func reschedule(_ slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded, .inputHasEnded]) else { return }
        let deadline = nextDeadline(of: slot)
        if !wheel.isScheduled(slot, by: deadline) { wheel.schedule(slot, at: deadline, now: now) }
    }

    // MARK: - Closing

    func close(_ frame: CloseFrame, _ slot: SlotHandle) {
        beginClosing(frame, slot)
        setReading(true, slot)  // so that the peer's close frame is seen; messages before it are dropped
        resumeReading(slot)
    }

    /// As ``close(_:_:)``, but calls no session: for a connection whose session is told later.
    func beginClosing(_ frame: CloseFrame, _ slot: SlotHandle) {
        act(slot.pointee.machine.close(frame, now: now), slot)
        reschedule(slot)
    }

    func act(_ action: ClosingHandshake.Action, _ slot: SlotHandle) {
        switch action {
        case .none: break
        case .send(let frame):
            report(frame, slot)
            writeClose(frame, to: slot)
        case .sendAndEndTransport(let frame):
            report(frame, slot)
            writeClose(frame, to: slot)
            endAfterWriting(slot)
        case .endTransport:
            endAfterWriting(slot)
        case .abort:
            abort(slot)
        }
    }

    private func report(_ frame: CloseFrame, _ slot: SlotHandle) {
        guard farewell == nil,
            let refusal = slot.pointee.machine.refusal(in: frame, peer: peerForLog(slot))
        else { return }
        onRefusal(refusal)
    }

    /// The peer as a report names it.
    func peerForLog(_ slot: SlotHandle) -> String {
        let address = peer(slot)
        // The kernel forgets the address of a peer that has reset the connection.
        return WebSocketSession.peer(at: address.isEmpty ? "reset" : address, of: slot.pointee.session)
    }

    /// The peer's address, see ``WebSocketConnection/peer``.
    func peer(_ slot: SlotHandle) -> String {
        (slot.pointee.connection?.claim as? any ConnectionClaim)?.clientAddress
            ?? peerAddress(of: slot.pointee.descriptor)
    }

    /// Ends our side after what is queued; a server ends it first (RFC 6455 §7.1.1).
    private func endAfterWriting(_ slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { return }
        slot.pointee.flags.insert(.endsAfterWriting)
        tickOutput.pointee.touch(slot)
    }

    /// Closes the transport; what is queued gets its chance where the peer has only ended its own side.
    private func abort(_ slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { return }
        if slot.pointee.flags.contains(.inputHasEnded), !slot.pointee.flags.contains(.outputHasEnded) {
            endAfterWriting(slot)
            wheel.schedule(slot, at: now.advanced(by: slot.pointee.machine.limits.lingerTimeout), now: now)
        } else {
            condemn(slot)
        }
    }

    /// The reactor stops: closes everybody, and from now on whoever still comes.
    func stop(_ farewell: Farewell) {
        self.farewell = farewell
        var waiting = 0
        forEachConnection { slot in
            guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]), slot.pointee.machine.maySend else {
                return
            }
            let limits = slot.pointee.machine.limits
            let delay = farewell.delay(for: limits, number: waiting, of: slab.count)
            if limits.stopCode != nil { waiting += 1 }
            // Its timer closes it.
            guard delay < TimerWheel.resolution else {
                return wheel.schedule(slot, at: now.advanced(by: delay), now: now)
            }
            bid(farewell, slot)
        }
    }

    /// Closes a connection because the reactor stops; its session has the last word.
    private func bid(_ farewell: Farewell, _ slot: SlotHandle) {
        guard slot.pointee.machine.maySend else { return }
        slot.pointee.session?.serverStops()
        if slot.pointee.machine.maySend { close(farewell.frame(for: slot.pointee.machine.limits), slot) }
    }
}
#endif
