#if os(Linux)
/// The slots of a loop's connections: chunks of memory that never move, and a list of those that are free.
///
/// No slot's address leaves it, only a ``SlotHandle``. A slot that is free is forbidden to everybody (``MemoryGuard``).
/// Confined to its loop's thread.
final class Slab {
    /// No slot.
    static let none = UInt32.max
    private static let slotsPerChunk = 256
    private static let stride = MemoryLayout<Slot>.stride + SlotHandle.headerBytes

    private var chunks: [UnsafeMutableRawPointer] = []
    /// Slots that have been in use before.
    private var free: [UInt32] = []
    /// Of every slot that has ever been in use, whether it is.
    private var isInUse: [Bool] = []
    /// How many are in use.
    private(set) var count = 0

    deinit {
        for chunk in chunks {
            MemoryGuard.allow(chunk, count: Self.slotsPerChunk * Self.stride)
            chunk.deallocate()
        }
    }

    @inline(__always)
    private func place(_ index: UInt32) -> UnsafeMutablePointer<Slot> {
        let offset = Int(index) % Self.slotsPerChunk * Self.stride + SlotHandle.headerBytes
        return (chunks[Int(index) / Self.slotsPerChunk] + offset).assumingMemoryBound(to: Slot.self)
    }

    /// The slot of an index; it is in use.
    @inline(__always)
    subscript(index: UInt32) -> SlotHandle {
        assert(isInUse[Int(index)], "a slot is named by its index after its release")
        return SlotHandle(at: place(index))
    }

    /// Puts a slot, which is made with its index, into a free place.
    func insert(_ slot: (UInt32) -> Slot) -> SlotHandle {
        let index = free.popLast() ?? addPlace()
        let place = place(index)
        MemoryGuard.allow(place, count: MemoryLayout<Slot>.stride)
        place.initialize(to: slot(index))
        SlotHandle.advance(place)
        isInUse[Int(index)] = true
        count += 1
        return SlotHandle(at: place)
    }

    private func addPlace() -> UInt32 {
        let index = UInt32(isInUse.count)
        if isInUse.count == chunks.count * Self.slotsPerChunk {
            let bytes = Self.slotsPerChunk * Self.stride
            let chunk = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            if SlotHandle.headerBytes > 0 { chunk.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
            chunks.append(chunk)
        }
        isInUse.append(false)
        return index
    }

    /// Every slot that is in use when its turn comes: `body` may release and insert slots.
    func forEachInUse(_ body: (SlotHandle) -> Void) {
        for index in isInUse.indices where isInUse[index] { body(self[UInt32(index)]) }
    }

    /// Gives a place back; every handle to it is void from here on.
    func release(_ slot: SlotHandle) {
        let index = slot.pointee.index
        assert(isInUse[Int(index)])
        isInUse[Int(index)] = false
        count -= 1
        let place = place(index)
        place.deinitialize(count: 1)
        SlotHandle.advance(place)
        MemoryGuard.forbid(place, count: MemoryLayout<Slot>.stride)
        free.append(index)
    }
}

@available(*, unavailable)
extension Slab: Sendable {}
#endif
