/// A queue in one block of memory, used round and round.
///
/// Without elements it has no block until the first comes; the block doubles when it is full and halves when three
/// quarters of it are empty, so that both ends cost constant time on average.
struct Ring<Element: Sendable>: Sendable {
    private var slots: ContiguousArray<Element?> = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    /// What the allocator gives for the block; not for what the elements refer to.
    var heapBytes: Int { HeapBytes.array(capacity: slots.capacity, stride: MemoryLayout<Element?>.stride) }
    var first: Element? { self[0] }
    var last: Element? { self[count - 1] }

    /// The element at `index`, counted from the oldest; `nil` where there is none.
    subscript(index: Int) -> Element? {
        index >= 0 && index < count ? slots[(head + index) & (slots.count - 1)] : nil
    }

    mutating func append(_ element: Element) {
        if count == slots.count { resize(to: max(1, slots.count * 2)) }
        slots[(head + count) & (slots.count - 1)] = element
        count += 1
    }

    @discardableResult
    mutating func removeFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[head]
        slots[head] = nil
        head = (head + 1) & (slots.count - 1)
        count -= 1
        if slots.count > 4, count <= slots.count / 4 { resize(to: slots.count / 2) }
        return element
    }

    /// `capacity` is a power of 2.
    private mutating func resize(to capacity: Int) {
        var moved: ContiguousArray<Element?> = []
        moved.reserveCapacity(capacity)
        for index in 0..<count { moved.append(self[index]) }
        for _ in count..<capacity { moved.append(nil) }
        slots = moved
        head = 0
    }
}
