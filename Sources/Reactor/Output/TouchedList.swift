#if os(Linux)
/// The connections that a loop writes to at the end of the tick, in the order in which they were first queued something.
///
/// A slot is on it once, which its flag says, and is not released while it is. Who is taken off has no output any more:
/// that goes to whoever takes it. Confined to its loop's thread.
struct TouchedList {
    private var slots: UnsafeMutablePointer<SlotHandle> = .allocate(capacity: 256)
    private var capacity = 256
    private var end = 0
    private var first = 0

    func deallocate() { slots.deallocate() }

    /// Whether nobody is on it.
    var isEmpty: Bool { first == end }

    /// Puts a slot on the list, if it is not there; `false` when the list has to grow first.
    @inline(__always)
    mutating func addCheaply(_ slot: SlotHandle) -> Bool {
        if slot.pointee.flags.contains(.isTouched) { return true }
        guard end < capacity else { return false }
        slot.pointee.flags.insert(.isTouched)
        (slots + end).initialize(to: slot)
        end &+= 1
        return true
    }

    @inline(never)
    mutating func addWithRoom(_ slot: SlotHandle) {
        let larger = UnsafeMutablePointer<SlotHandle>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: slots, count: end)
        slots.deallocate()
        slots = larger
        capacity *= 2
        _ = addCheaply(slot)
    }

    /// Takes the next one off, with its flags and its output; `nil` when nobody is left, and then the list begins
    /// again: otherwise its memory would grow with all who were ever on it.
    @inline(__always)
    mutating func pop() -> (slot: SlotHandle, flags: Slot.Flags, run: RunHandle?)? {
        guard first < end else {
            first = 0
            end = 0
            return nil
        }
        let slot = slots[first]
        first &+= 1
        let flags = slot.pointee.flags.subtracting(.isTouched)
        slot.pointee.flags = flags
        let run = slot.pointee.output
        if PlantedLoopBug.isOn(.keepOutputOfCondemned), flags.contains(.isCondemned) { return (slot, flags, run) }
        slot.pointee.output = nil
        return (slot, flags, run)
    }
}

@available(*, unavailable)
extension TouchedList: Sendable {}
#endif
