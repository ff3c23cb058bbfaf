import NIOCore
import WebSocketCore

/// What happens to a peer that sends faster than it may: its socket is not read for a moment, and what was read of it
/// waits, so that nothing gets lost.
extension FrameHandler {
    /// Whether the socket is not read because of what the peer has sent.
    var isHeld: Bool { hold?.isOn == true || waitsForTurn }

    /// Has the connection read on when it is its turn.
    func waitToRead() {
        guard !readingHasEnded else { return }
        waitForTurn()
    }

    /// Puts the connection in its loop's line.
    func waitForTurn() {
        guard !waitsForTurn, let context else { return }
        waitsForTurn = true
        updateReading(context)
        loop.waitForTurn(self)
    }

    /// It is this connection's turn to be read. Called by its loop.
    func turnCame() {
        waitsForTurn = false
        guard context != nil else { return }
        // The server made the peer wait: that time does not count against its message.
        machine.socketWasNotRead(now: loop.now)
        readOn()
        if inputEndsAtTurn, !waitsForTurn { endInput() }
    }

    /// Reads nothing more until the peer may send again.
    func holdReading() {
        let hold = hold ?? ReadingHold()
        self.hold = hold
        guard let context, !hold.isOn, !readingHasEnded else { return }
        hold.begin(for: machine.holdTime(now: loop.now), now: loop.now)
        updateReading(context)
        schedule()
    }

    /// On the timer: reads on when the time has come, and ends a connection that had to be held for too long.
    func judgeHold() {
        guard let hold else { return }
        let now = loop.now
        guard let until = hold.until else {
            if hold.isOver(now: now) { self.hold = nil }
            return
        }
        machine.socketWasNotRead(now: now)
        guard until <= now else { return }
        hold.end(now: now)
        if hold.isTooMuch(rules.limits, now: now) { giveUpFlood() }
        readOn()
    }

    /// The hold is of no use any more: what the peer still sends is dropped, up to its close frame.
    func resumeReading() {
        guard hold?.isOn == true else { return }
        hold?.end(now: loop.now)
        readOn()
    }

    /// Tells SwiftNIO whether the socket is to be read.
    func updateReading(_ context: ChannelHandlerContext) {
        _ = try? context.channel.syncOptions?.setOption(.autoRead, value: socketIsRead && !isHeld)
    }

    func readOn() {
        if isReading { processTail() }
        answerWhilePaused()
        if machine.exceedsByteRate(now: loop.now) { holdReading() }
        settle()
        if let context, !isHeld { updateReading(context) }
    }

    private func giveUpFlood() {
        guard machine.maySend else { return }
        session?.rateExceeded()
        if machine.maySend { act(machine.exceededRate(now: loop.now)) }
    }
}
