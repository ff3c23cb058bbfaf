#if os(Linux)
import WebSocketCore

/// What happens to peers that send large messages, or compressed ones: a read of 64 KiB may become 64 MiB, and the last byte
/// of a MiB may cost a session as much as thousands of short messages, which would hold up everybody else. A turn takes so
/// much of them, and connections that have more take turns.
extension ReactorLoop {
    /// Read of a connection when the turn has taken enough: whoever has more than short messages waits for its turn.
    static let lightRead = 4 << 10

    /// From so many bytes on a message is large, or what is read at once, see ``ConnectionStateMachine/largeBytes``.
    static var largeMessage: Int { 32 << 10 }

    /// Whether this turn takes no large message more.
    @inline(__always)
    var hasHandledEnough: Bool { largeBytes >= mostLargeBytes }

    /// Whether a connection has to wait until it is read.
    @inline(__always)
    func hasToWait(_ slot: SlotHandle) -> Bool {
        (hasHandledEnough || slot.pointee.flags.contains(.waitsForTurn)) && takesPlaceInLine(slot)
    }

    @inline(never)
    private func takesPlaceInLine(_ slot: SlotHandle) -> Bool {
        if slot.pointee.flags.contains(.waitsForTurn) { return true }
        // There is no later for the last bytes; of compressed ones there may be thousands of times as many.
        let hasEnded = slot.pointee.flags.contains(.readingHasEnded)
        guard hasEnded ? slot.pointee.machine.inflates : slot.pointee.machine.isHeavy else { return false }
        waitForTurn(slot)
        return true
    }

    /// Counts a complete message of so many bytes; whether what else has been read of the connection has to wait.
    func countLarge(_ count: Int, _ slot: SlotHandle) -> Bool {
        let bytes = slot.pointee.machine.takeHeavyBytes(count)
        largeBytes &+= bytes
        return bytes > 0 && hasHandledEnough
    }

    /// Has a connection read on when it is its turn.
    func waitForTurn(_ slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.waitsForTurn, .readingHasEnded]) else { return }
        slot.pointee.flags.insert(.waitsForTurn)
        largeLine.append(slot)
    }

    /// At the beginning of a turn: those that wait read on, the oldest first.
    func serveLargeLine() {
        var left = largeLine.count
        while left > 0, !hasHandledEnough, let slot = largeLine.popFirst() {
            left -= 1
            leaveLine(slot)
            guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { continue }
            // A message that stood still meanwhile did not by its peer's doing.
            slot.pointee.machine.socketWasNotRead(now: now)
            if slot.pointee.extras?.tail.isEmpty == false { readOn(slot) }
            if !hasHandledEnough, !isHeld(slot),
                slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded, .inputHasEnded, .socketIsNotRead])
            {
                read(slot)
            }
        }
    }

    /// Nothing names a connection any more that has come off the line, nor one that ended on it.
    func leaveLine(_ slot: SlotHandle) {
        slot.pointee.flags.remove(.waitsForTurn)
        if slot.pointee.flags.contains(.hasEnded) { releaseUnlessListed(slot) }
    }
}
#endif
