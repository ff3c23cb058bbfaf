#if os(Linux)
import WebSocketCore

/// Large and compressed messages. A read of 64 KiB may inflate to 64 MiB, and the last byte of a MiB may cost a session as
/// much as thousands of short messages. One loop iteration therefore handles a limited number of such bytes; connections
/// that send more wait in a line and take turns.
extension ReactorLoop {
    /// Bytes that the loop reads from a connection once the iteration has reached its limit. A connection that fills them
    /// joins the line.
    static let lightRead = 4 << 10

    /// Whether this iteration has reached its limit for large messages.
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

    /// Counts a complete message of `count` bytes.
    ///
    /// - Returns: whether the connection's remaining input must wait.
    @inline(never)
    func countLarge(_ count: Int, _ slot: SlotHandle) -> Bool {
        let bytes = slot.pointee.machine.takeHeavyBytes(count)
        guard bytes > 0 else { return false }
        largeBytes &+= bytes
        lastCounted = slot
        largeLine.handled(bytes, id: UInt(slot.pointee.index), now: now.milliseconds)
        return hasHandledEnough
    }

    /// Counts as many bytes as a large message has, read at once: several messages that are not large, or a part of one. A
    /// message that was completed with them has been counted.
    @inline(never)
    func countLargeRead(_ count: Int, _ slot: SlotHandle) {
        if lastCounted == slot { lastCounted = nil } else { largeBytes &+= count }
    }

    /// Adds a connection to the line; the loop reads it again on its turn.
    @inline(never)
    func waitForTurn(_ slot: SlotHandle) {
        guard slot.pointee.flags.isDisjoint(with: [.waitsForTurn, .readingHasEnded]) else { return }
        slot.pointee.flags.insert(.waitsForTurn)
        largeLine.append(slot, id: UInt(slot.pointee.index))
    }

    /// Reads the connections in the line, oldest first, up to the iteration's limit; half of it is for those that have had
    /// little lately.
    func serveLargeLine() {
        var left = largeLine.count
        while left > 0, !hasHandledEnough,
            let slot = largeLine.popFirst(prefersModest: largeBytes < mostLargeBytes / 2)
        {
            left -= 1
            leaveLine(slot)
            guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { continue }
            // The server made the peer wait: that time does not count against its message.
            slot.pointee.machine.socketWasNotRead(now: now)
            if slot.pointee.extras?.tail.isEmpty == false { readOn(slot) }
            if !hasHandledEnough, !isHeld(slot),
                slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded, .inputHasEnded, .socketIsNotRead])
            {
                read(slot)
            }
        }
    }

    /// Takes a connection off the line and releases its slot if the connection has ended meanwhile.
    func leaveLine(_ slot: SlotHandle) {
        slot.pointee.flags.remove(.waitsForTurn)
        if slot.pointee.flags.contains(.hasEnded) { releaseUnlessListed(slot) }
    }
}
#endif
