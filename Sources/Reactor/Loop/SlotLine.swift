#if os(Linux)
/// Connections that wait for their turn, the oldest first; one that has left costs no move of the others.
struct SlotLine {
    private var slots: [SlotHandle] = []
    private var head = 0

    var isEmpty: Bool { head == slots.count }

    var count: Int { slots.count - head }

    mutating func append(_ slot: SlotHandle) { slots.append(slot) }

    mutating func popFirst() -> SlotHandle? {
        guard head < slots.count else { return nil }
        defer {
            head += 1
            if head == slots.count {
                (slots, head) = ([], 0)
            } else if head >= 64, head * 2 >= slots.count {
                slots.removeFirst(head)
                head = 0
            }
        }
        return slots[head]
    }
}
#endif
