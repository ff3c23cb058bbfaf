#if os(Linux)
import WebSocketCore

/// What happens to a peer that sends faster than it may: its socket is not read for a moment, and what was read of it
/// waits, so that nothing gets lost.
extension ReactorLoop {
    /// Whether the socket is not read because of what the peer has sent.
    func isHeld(_ slot: SlotHandle) -> Bool {
        slot.pointee.extras?.hold?.isOn == true || slot.pointee.flags.contains(.waitsForTurn)
    }

    /// Reads nothing more until the peer may send again.
    func hold(_ slot: SlotHandle) {
        let extras = extras(of: slot)
        let hold = extras.hold ?? ReadingHold()
        extras.hold = hold
        guard !hold.isOn, !slot.pointee.flags.contains(.readingHasEnded) else { return }
        hold.begin(for: slot.pointee.machine.holdTime(now: now), now: now)
        statistics.holds &+= 1
        updateInterest(slot)
        reschedule(slot)
    }

    /// On the timer: reads on when the time has come, and ends a connection that had to be held for too long.
    func judgeHold(_ slot: SlotHandle) {
        guard let hold = slot.pointee.extras?.hold else { return }
        guard let until = hold.until else {
            if hold.isOver(now: now) { slot.pointee.extras?.hold = nil }
            return trimExtras(slot)
        }
        slot.pointee.machine.socketWasNotRead(now: now)
        guard until <= now else { return }
        hold.end(now: now)
        if hold.isTooMuch(slot.pointee.machine.limits, now: now) { giveUpFlood(slot) }
        readOn(slot)
    }

    /// The hold is of no use any more: what the peer still sends is dropped, up to its close frame.
    func resumeReading(_ slot: SlotHandle) {
        guard slot.pointee.extras?.hold?.isOn == true else { return }
        endHold(slot)
        readOn(slot)
    }

    func endHold(_ slot: SlotHandle) { slot.pointee.extras?.hold?.end(now: now) }

    func readOn(_ slot: SlotHandle) {
        if !slot.pointee.flags.contains(.isPaused) { processTail(slot) }
        answerWhilePaused(slot)
        if slot.pointee.machine.exceedsByteRate(now: now) { hold(slot) }
        settle(slot)
        if !isHeld(slot), !slot.pointee.flags.contains(.isCondemned) { updateInterest(slot) }
    }

    private func giveUpFlood(_ slot: SlotHandle) {
        guard slot.pointee.machine.maySend else { return }
        slot.pointee.session?.rateExceeded()
        if slot.pointee.machine.maySend { act(slot.pointee.machine.exceededRate(now: now), slot) }
    }
}
#endif
