#if os(Linux)
/// The bytes that a loop's connections are sent at the end of the tick: one memory for all, which only grows until it
/// begins again.
///
/// What is in it is named by where it begins. Nothing in it moves, but its memory does when it grows: no address leaves
/// it. What is not in use is forbidden to everybody (``MemoryGuard``). Confined to its loop's thread.
struct ByteArena {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private let keptCapacity: Int
    private let mostKept: Int
    /// How often it has begun again without need of half of its memory.
    private var restCount: UInt8 = 0
    private static let restsBeforeShrinking: UInt8 = 64
    /// Bytes in use, from the beginning.
    private(set) var used = 0

    /// - Parameters:
    ///   - keptCapacity: what it keeps at rest when it was larger once.
    ///   - mostKept: what it keeps while it is in use.
    init(capacity: Int, keptCapacity: Int, mostKept: Int) {
        self.mostKept = mostKept
        self.capacity = capacity
        self.keptCapacity = keptCapacity
        memory = Self.allocate(capacity)
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        MemoryGuard.forbid(memory, count: capacity)
        return memory
    }

    func deallocate() {
        MemoryGuard.allow(memory, count: capacity)
        memory.deallocate()
    }

    /// Whether so many bytes more fit without growing.
    @inline(__always)
    func fits(_ count: Int) -> Bool { used &+ count <= capacity }

    /// The bytes there, as long as `body` runs.
    @inline(__always)
    func withBytes<Result>(at start: Int, count: Int, _ body: (UnsafeRawPointer, Int) -> Result) -> Result {
        assert(start >= 0 && count >= 0 && start + count <= used, "bytes are read that are not in the arena")
        return body(UnsafeRawPointer(memory + start), count)
    }

    /// Appends what `write` fills of `count` bytes, and returns how many these are.
    @inline(__always)
    mutating func append(atMost count: Int, _ write: (UnsafeMutableRawPointer) -> Int) -> Int {
        if !fits(count) { grow(to: used &+ count) }
        let written = fill(atMost: count, write)
        take(written, of: count)
        return written
    }

    /// What `write` fills of the `count` bytes behind the end, which fit; ``take(_:of:)`` appends them.
    @inline(__always)
    func fill(atMost count: Int, _ write: (UnsafeMutableRawPointer) -> Int) -> Int {
        assert(fits(count), "more is to be written than there is room for")
        let end = memory + used
        MemoryGuard.allow(end, count: count)
        return write(end)
    }

    /// Appends the first `written` of the `count` bytes that were filled.
    @inline(__always)
    mutating func take(_ written: Int, of count: Int) {
        assert(written <= count, "more was written than there is room for")
        used &+= written
        forbidUnused(count &- written)
    }

    /// Appends a copy.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        _ = append(atMost: bytes.count) { place in
            place.copyMemory(from: source, byteCount: bytes.count)
            return bytes.count
        }
    }

    /// Appends a copy of what is in it already.
    mutating func appendCopy(at start: Int, count: Int) {
        assert(start >= 0 && start + count <= used, "bytes are copied that are not in the arena")
        if !fits(count) { grow(to: used &+ count) }
        let source = memory + start
        _ = append(atMost: count) { place in
            place.copyMemory(from: source, byteCount: count)
            return count
        }
    }

    /// Gives everything back from there on.
    mutating func rewind(to start: Int) {
        assert(start >= 0 && start <= used)
        let count = used &- start
        used = start
        forbidUnused(count)
    }

    /// Begins again.
    mutating func reset() {
        let wasNeeded = used > capacity / 2
        rewind(to: 0)
        guard capacity > keptCapacity else { return }
        // While it is in use, new memory in every tick would cost more than what is done with it.
        restCount = wasNeeded ? 0 : restCount &+ 1
        guard restCount >= Self.restsBeforeShrinking || capacity > mostKept else { return }
        restCount = 0
        deallocate()
        capacity = keptCapacity
        memory = Self.allocate(capacity)
    }

    @inline(__always)
    private func forbidUnused(_ count: Int) {
        #if DEBUG
        MemoryGuard.forbid(memory + used, count: count)
        #endif
    }

    @inline(never)
    private mutating func grow(to needed: Int) {
        var larger = capacity
        while larger < needed { larger *= 2 }
        let place = Self.allocate(larger)
        MemoryGuard.allow(place, count: used)
        place.copyMemory(from: memory, byteCount: used)
        deallocate()
        memory = place
        capacity = larger
    }
}

@available(*, unavailable)
extension ByteArena: Sendable {}
#endif
