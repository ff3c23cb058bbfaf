#if os(Linux)
/// The slots of a loop's connections: chunks of memory that never move, and a list of those that are free.
///
/// Confined to its loop's thread.
final class Slab {
    /// No slot.
    static let none = UInt32.max
    private static let slotsPerChunk = 256

    private var chunks: [UnsafeMutablePointer<Slot>] = []
    /// Slots that have been in use before.
    private var free: [UInt32] = []
    private var used = 0
    private(set) var count = 0

    deinit { for chunk in chunks { chunk.deallocate() } }

    /// The place of a slot; it is initialised while the slot is in use.
    @inline(__always)
    subscript(index: UInt32) -> UnsafeMutablePointer<Slot> {
        chunks[Int(index) / Self.slotsPerChunk] + Int(index) % Self.slotsPerChunk
    }

    /// Finds a free place, for the caller to initialise with its index.
    func take() -> (index: UInt32, place: UnsafeMutablePointer<Slot>) {
        count += 1
        if let index = free.popLast() { return (index, self[index]) }
        let index = UInt32(used)
        if used == chunks.count * Self.slotsPerChunk { chunks.append(.allocate(capacity: Self.slotsPerChunk)) }
        used += 1
        return (index, self[index])
    }

    /// All slots that are in use.
    func forEachInUse(_ body: (UnsafeMutablePointer<Slot>) -> Void) {
        let freeIndices = Set(free)
        for index in 0..<UInt32(used) where !freeIndices.contains(index) { body(self[index]) }
    }

    /// Gives a place back.
    func release(_ place: UnsafeMutablePointer<Slot>) {
        let index = place.pointee.index
        place.deinitialize(count: 1)
        free.append(index)
        count -= 1
    }
}

@available(*, unavailable)
extension Slab: Sendable {}
#endif
