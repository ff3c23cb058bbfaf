import WebSocketCore

/// A coarse timer wheel: the deadlines of all connections of a loop, without a timer object each.
///
/// A deadline is met up to one slot late, and one that lies beyond the wheel's horizon is looked at again at its edge.
/// When data arrives nothing here is touched: a connection whose deadline has moved away is simply put back.
struct TimerWheel {
    /// Milliseconds a slot.
    static let resolution: UInt64 = 100
    private static let slotCount = 512

    private var slots = [[FrameHandler]](repeating: [], count: slotCount)
    private var hand: UInt64 = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var all: [FrameHandler] { slots.flatMap { $0 } }

    /// Puts the handler at its deadline; it stands in one slot at most.
    mutating func schedule(_ handler: FrameHandler, at deadline: MonotonicInstant, now: MonotonicInstant) {
        if count == 0 { hand = now.milliseconds / Self.resolution }
        remove(handler)
        let tick = deadline.milliseconds / Self.resolution + 1
        let reach = min(max(tick, hand + 1), hand + UInt64(Self.slotCount) - 1)
        let slot = Int(reach % UInt64(Self.slotCount))
        handler.timerPosition = (slot, slots[slot].count)
        slots[slot].append(handler)
        count += 1
    }

    /// Takes the handler out, in constant time: the last of its slot moves to its place.
    mutating func remove(_ handler: FrameHandler) {
        guard let (slot, index) = handler.timerPosition else { return }
        handler.timerPosition = nil
        count -= 1
        let last = slots[slot].removeLast()
        guard last !== handler else { return }
        slots[slot][index] = last
        last.timerPosition = (slot, index)
    }

    /// Moves the hand to the present and gives back everybody it passes; they have left the wheel.
    mutating func advance(to now: MonotonicInstant) -> [FrameHandler] {
        let target = now.milliseconds / Self.resolution
        // After a long absence one turn of the wheel reaches everybody.
        if target > hand + UInt64(Self.slotCount) { hand = target - UInt64(Self.slotCount) }
        var due: [FrameHandler] = []
        while hand < target {
            hand += 1
            let slot = Int(hand % UInt64(Self.slotCount))
            due += slots[slot]
            slots[slot] = []
        }
        count -= due.count
        for handler in due { handler.timerPosition = nil }
        return due
    }
}
