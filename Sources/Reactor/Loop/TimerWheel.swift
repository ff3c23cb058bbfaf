#if os(Linux)
import WebSocketCore

/// A coarse timer wheel: the deadlines of all connections of a loop, as lists through their slots.
///
/// A deadline is met up to one list's time late, and one beyond the wheel's horizon is looked at again at its edge. When
/// data arrives nothing here is touched: a connection whose deadline has moved away is simply put back. Confined to its
/// loop's thread.
struct TimerWheel {
    /// Milliseconds a list.
    static let resolution: UInt64 = 100
    private static let listCount = 512
    private static let notListed = UInt16.max

    private let slab: Slab
    /// The first slot of each list.
    private var lists = [UInt32](repeating: Slab.none, count: listCount)
    /// The list that is emptied at the moment; slots that were there are put here before they fire.
    private var due: UInt32 = Slab.none
    private static let dueList = UInt16(listCount)
    /// The tick up to which everything has been taken.
    private var hand: UInt64
    /// No list before this tick has anybody.
    private var nearest: UInt64 = .max
    private var count = 0

    init(slab: Slab, now: MonotonicInstant) {
        self.slab = slab
        hand = now.milliseconds / Self.resolution
    }

    /// The mark of a slot that is in no list.
    static var unlisted: UInt16 { notListed }

    /// Milliseconds until something can be due; `nil` when nobody is on the wheel.
    func wait(now: MonotonicInstant) -> UInt64? {
        guard due == Slab.none else { return 0 }
        guard nearest != .max else { return nil }
        let time = nearest * Self.resolution
        return time > now.milliseconds ? time - now.milliseconds : 0
    }

    /// Puts a slot at its deadline, wherever it stood before.
    mutating func schedule(
        _ slot: SlotHandle, at deadline: MonotonicInstant, now: MonotonicInstant
    ) {
        remove(slot)
        // Nobody stands between the hand and the nearest: it can go on without looking.
        let present = now.milliseconds / Self.resolution
        if present > hand, nearest > present, due == Slab.none { hand = present }
        let tick = deadline.milliseconds / Self.resolution &+ 1
        let reach = min(max(tick, hand + 1), hand + UInt64(Self.listCount) - 1)
        let list = Int(reach % UInt64(Self.listCount))
        link(slot, UInt16(list))
        nearest = min(nearest, reach)
        count += 1
    }

    /// Whether the slot stands at this deadline or an earlier one already.
    func isScheduled(_ slot: SlotHandle, by deadline: MonotonicInstant) -> Bool {
        let list = slot.pointee.timerList
        guard list != Self.notListed, list != Self.dueList else { return list == Self.dueList }
        let ahead =
            (UInt64(list) &+ UInt64(Self.listCount) &- (hand + 1) % UInt64(Self.listCount))
            % UInt64(Self.listCount)
        return hand + 1 + ahead <= deadline.milliseconds / Self.resolution &+ 1
    }

    /// Takes a slot off the wheel.
    mutating func remove(_ slot: SlotHandle) {
        let list = slot.pointee.timerList
        guard list != Self.notListed else { return }
        let next = slot.pointee.next
        let previous = slot.pointee.previous
        if next != Slab.none { slab[next].pointee.previous = previous }
        if previous != Slab.none {
            slab[previous].pointee.next = next
        } else if list == Self.dueList {
            due = next
        } else {
            lists[Int(list)] = next
        }
        slot.pointee.timerList = Self.notListed
        count -= 1
    }

    /// Takes one slot that is due; `nil` when there is none.
    mutating func popDue(now: MonotonicInstant) -> SlotHandle? {
        if due == Slab.none { advance(to: now) }
        guard due != Slab.none else { return nil }
        let slot = slab[due]
        remove(slot)
        return slot
    }

    /// Moves the hand on, to the next list that has somebody or to the present.
    private mutating func advance(to now: MonotonicInstant) {
        let target = now.milliseconds / Self.resolution
        guard nearest <= target else { return }
        // After a long absence one turn of the wheel reaches everybody.
        hand = max(hand, nearest - 1)
        if target > hand + UInt64(Self.listCount) { hand = target - UInt64(Self.listCount) }
        while hand < target, due == Slab.none {
            hand += 1
            let list = Int(hand % UInt64(Self.listCount))
            swap(&due, &lists[list])
            var index = due
            while index != Slab.none {
                slab[index].pointee.timerList = Self.dueList
                index = slab[index].pointee.next
            }
        }
        findNearest()
    }

    private mutating func findNearest() {
        nearest = .max
        var tick = hand + 1
        while tick < hand + UInt64(Self.listCount) {
            if lists[Int(tick % UInt64(Self.listCount))] != Slab.none {
                nearest = tick
                return
            }
            tick += 1
        }
    }

    private mutating func link(_ slot: SlotHandle, _ list: UInt16) {
        let first = lists[Int(list)]
        slot.pointee.next = first
        slot.pointee.previous = Slab.none
        slot.pointee.timerList = list
        if first != Slab.none { slab[first].pointee.previous = slot.pointee.index }
        lists[Int(list)] = slot.pointee.index
    }
}
#endif
