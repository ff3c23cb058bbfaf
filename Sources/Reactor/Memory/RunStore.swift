#if os(Linux)
/// A run, as everything outside of the ``RunStore`` names it: valid until the store begins again.
///
/// In release builds it is the run's address. In debug builds it carries the epoch of its store, and every access asserts
/// that this is still the present one. Confined to its loop's thread.
struct RunHandle: Equatable {
    private let place: UnsafeMutablePointer<OutputRun>

    #if DEBUG
    private let epoch: UInt32
    private let present: UnsafeMutablePointer<UInt32>

    fileprivate init(_ place: UnsafeMutablePointer<OutputRun>, _ present: UnsafeMutablePointer<UInt32>) {
        self.place = place
        self.present = present
        epoch = present.pointee
    }

    /// Whether the store has not begun again since this handle was made.
    var isCurrent: Bool { present.pointee == epoch }

    private func check() { assert(isCurrent, "a run is used after its arena has begun again") }
    #else
    @inline(__always)
    fileprivate init(_ place: UnsafeMutablePointer<OutputRun>) { self.place = place }

    @inline(__always)
    private func check() {}
    #endif

    /// The run itself.
    @inline(__always)
    var pointee: OutputRun {
        unsafeAddress {
            check()
            return UnsafePointer(place)
        }
        nonmutating unsafeMutableAddress {
            check()
            return place
        }
    }
}

/// The runs of a tick, which are all released together.
///
/// No run's address leaves it, only a ``RunHandle``. What is not in use is forbidden to everybody (``MemoryGuard``).
/// Confined to its loop's thread.
struct RunStore {
    private var places: UnsafeMutablePointer<OutputRun>
    private let capacity: Int
    private let kept: Int
    /// Runs in use.
    private(set) var count = 0
    #if DEBUG
    /// How often it has begun again, where handles find it.
    private let epoch: UnsafeMutablePointer<UInt32>
    #endif

    /// - Parameters:
    ///   - capacity: the most that there are at once.
    ///   - kept: of more than these the memory is given back.
    init(capacity: Int, kept: Int) {
        self.capacity = capacity
        self.kept = kept
        // Address space: a page of it becomes memory when it is first used.
        places = .allocate(capacity: capacity)
        #if DEBUG
        epoch = .allocate(capacity: 1)
        epoch.initialize(to: 0)
        #endif
    }

    func deallocate() {
        MemoryGuard.allow(places, count: capacity * MemoryLayout<OutputRun>.stride)
        places.deallocate()
        #if DEBUG
        epoch.deallocate()
        #endif
    }

    /// Whether one more fits.
    @inline(__always)
    var hasRoom: Bool { count < capacity || PlantedLoopBug.isOn(.oneRunTooMany) }

    /// Adds one; only when there is room.
    @inline(__always)
    mutating func add(_ run: OutputRun) -> RunHandle {
        assert(count < capacity, "there are more runs than there is room for")
        let place = places + count
        count &+= 1
        MemoryGuard.allow(place, count: MemoryLayout<OutputRun>.stride)
        place.initialize(to: run)
        #if DEBUG
        return RunHandle(place, epoch)
        #else
        return RunHandle(place)
        #endif
    }

    /// Releases all of them; every handle is void from here on.
    mutating func reset() {
        #if DEBUG
        epoch.pointee &+= 1
        #endif
        if count > kept {
            // Its pages have become memory: others are only address space again.
            MemoryGuard.allow(places, count: capacity * MemoryLayout<OutputRun>.stride)
            places.deallocate()
            places = .allocate(capacity: capacity)
        } else {
            MemoryGuard.forbid(places, count: count * MemoryLayout<OutputRun>.stride)
        }
        count = 0
    }
}

@available(*, unavailable)
extension RunHandle: Sendable {}
@available(*, unavailable)
extension RunStore: Sendable {}
#endif
