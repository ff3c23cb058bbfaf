#if os(Linux)
import WebSocketCore

/// What happens to peers that send compressed messages: a read of 64 KiB may become 64 MiB, which would hold up everybody
/// else. A turn inflates so much, and connections that have more take turns.
extension ReactorLoop {
    /// Whether this turn inflates nothing more.
    var hasInflatedEnough: Bool { inflatedBytes >= limits.inflatedBytes }

    /// Whether a connection has to wait until it is read.
    @inline(__always)
    func waitsToInflate(_ slot: SlotHandle) -> Bool {
        (hasInflatedEnough || slot.pointee.flags.contains(.waitsForTurn)) && takesPlaceInLine(slot)
    }

    @inline(never)
    private func takesPlaceInLine(_ slot: SlotHandle) -> Bool {
        if slot.pointee.flags.contains(.waitsForTurn) { return true }
        guard slot.pointee.machine.inflates else { return false }
        waitToInflate(slot)
        return true
    }

    /// Counts what a connection's messages have become; whether what else has been read of it has to wait.
    func countInflated(_ slot: SlotHandle) -> Bool {
        guard slot.pointee.machine.inflates else { return false }
        inflatedBytes &+= slot.pointee.machine.takeInflatedBytes()
        return hasInflatedEnough
    }

    /// Has a connection read on when it is its turn.
    func waitToInflate(_ slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.waitsForTurn, .readingHasEnded]) else { return }
        slot.pointee.flags.insert(.waitsForTurn)
        inflationLine.append(slot)
    }

    /// At the beginning of a turn: those that wait read on, the oldest first.
    func serveInflationLine() {
        var left = inflationLine.count
        while left > 0, !hasInflatedEnough, let slot = inflationLine.popFirst() {
            left -= 1
            leaveLine(slot)
            guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { continue }
            if slot.pointee.extras?.tail.isEmpty == false { readOn(slot) }
            if !hasInflatedEnough, !isHeld(slot),
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
