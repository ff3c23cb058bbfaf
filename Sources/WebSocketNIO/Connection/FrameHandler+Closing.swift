import NIOCore
import WebSocketCore

extension FrameHandler {
    // MARK: - Time

    /// When ``timerFired()`` has something to do.
    private var nextDeadline: MonotonicInstant {
        let deadline = machine.nextDeadline
        guard machine.maySend else { return deadline }
        return min(deadline, backlog?.books.nextVerdict(rules.limits) ?? deadline, hold?.until ?? deadline)
    }

    func timerFired() {
        if inputHasEnded {  // what was queued for a peer that has ended its own side had its chance
            context?.close(promise: nil)
            return
        }
        if backlog != nil { accountOutput() }
        judgeHold()
        // While this side does not read, the peer's silence says nothing about it.
        if !socketIsRead || waitsForTurn { machine.socketWasNotRead(now: loop.now) }
        if !isReading { machine.readingIsPaused(now: loop.now) }
        if let farewell = loop.farewell { bid(farewell) }
        switch machine.tick(now: loop.now) {
        case .none: break
        case .sendPing:
            session?.peerIsSilent()
            writeControl(.ping, UnsafeRawBufferPointer(start: nil, count: 0))
        case .closing(let action):
            act(action)
            resumeReading()
        }
        schedule()
    }

    /// Puts the timer to the next deadline: when that has come nearer. One that moved away is noticed when it fires.
    func schedule() {
        guard context != nil, !inputHasEnded else { return }
        loop.schedule(self, at: nextDeadline)
    }

    // MARK: - Closing

    func close(_ frame: CloseFrame) {
        guard context != nil else { return }
        act(machine.close(frame, now: loop.now))
        setReading(true)  // so that the peer's close frame is seen; messages before it are dropped
        resumeReading()
        schedule()
    }

    /// Closes the connection because the server stops; its session has the last word.
    func bid(_ farewell: Farewell) {
        guard machine.maySend else { return }
        session?.serverStops()
        if machine.maySend { close(farewell.frame(for: rules.limits)) }
    }

    /// Ends the connection without a further word.
    func cutOff() { context?.close(promise: nil) }

    /// Whether what has begun to leave is more than a connection keeps to its end where the node has no room: it can be one
    /// very long message, and goes without a further word then.
    private var keepsMuch: Bool { heldAtTransport > 2 * Self.highMark }

    /// Whether the node gets room when the connection is cut off.
    var canBeShed: Bool { isOpen || context != nil && keepsMuch }

    /// Gives up a peer that does not take what it is sent: with the code that invites it to come back, behind what has
    /// begun to leave. The rest is dropped, and its memory is free at once.
    func cutOff(_ reason: SlowReader.Reason) {
        guard let context, machine.maySend else { return }
        let slow = SlowReader(reason: reason, pendingBytes: pendingBytes, peer: peerForLog)
        dropOutput()
        close(SlowReader.closeFrame(rules.limits))
        accountOutput()
        if reason == .nodeBudget, keepsMuch { context.close(promise: nil) }
        loop.onSlowReader(slow)
    }

    func act(_ action: ClosingHandshake.Action) {
        switch action {
        case .none: break
        case .send(let frame):
            report(frame)
            writeClose(frame)
        case .sendAndEndTransport(let frame):
            report(frame)
            writeClose(frame)
            endTransport()
        case .endTransport:
            endTransport()
        case .abort:
            abort()
        }
    }

    /// The peer as a report names it.
    private var peerForLog: String { WebSocketSession.peer(at: peer, of: session) }

    private func report(_ frame: CloseFrame) {
        guard loop.farewell == nil,
            let refusal = machine.refusal(in: frame, peer: peerForLog)
        else { return }
        loop.onRefusal(refusal)
    }

    /// Ends our side after what is queued. A server ends it first; a client waits for that (RFC 6455 §7.1.1).
    private func endTransport() {
        guard rules.role == .server else { return }
        endsAfterFlush = true
        touch()
    }

    /// Closes the transport; what is queued gets its chance where the peer has only ended its own side.
    private func abort() {
        guard let context else { return }
        if inputHasEnded, !outputHasEnded {
            endsAfterFlush = true
            loop.schedule(self, at: loop.now.advanced(by: rules.limits.lingerTimeout))
            loop.leave(self)
        } else {
            context.close(promise: nil)
        }
    }

    private func writeClose(_ frame: CloseFrame) {
        frame.payload.withUnsafeBytes { writeControl(.close, $0) }
    }
}

extension SocketAddress {
    /// Address and port; the path of a Unix domain socket.
    var text: String {
        guard let address = ipAddress, let port else { return pathname ?? "" }
        return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
