#if os(Linux)
/// A connection's slot, as everything outside of the ``Slab`` names it.
///
/// In release builds it is the slot's address. In debug builds it carries the generation that the slot had when the handle
/// was made, and every access asserts that the slot still has it: a handle that has outlived its connection is a bug.
/// Confined to its loop's thread.
struct SlotHandle: Equatable {
    private let place: UnsafeMutablePointer<Slot>

    #if DEBUG
    private let generation: UInt16

    /// Bytes before a slot, in which its generation stands: odd while the slot is in use.
    static let headerBytes = 16

    /// The slot there, in its present generation.
    init(at place: UnsafeMutablePointer<Slot>) {
        self.place = place
        generation = Self.generation(at: place).pointee
    }

    private static func generation(at place: UnsafeMutablePointer<Slot>) -> UnsafeMutablePointer<UInt16> {
        (UnsafeMutableRawPointer(place) - headerBytes).assumingMemoryBound(to: UInt16.self)
    }

    /// Begins the next generation of the slot there.
    static func advance(_ place: UnsafeMutablePointer<Slot>) { generation(at: place).pointee &+= 1 }

    /// Whether the slot has not been released since this handle was made.
    var isCurrent: Bool { generation & 1 == 1 && Self.generation(at: place).pointee == generation }

    private func check() { assert(isCurrent, "a slot is used after its release") }
    #else
    static let headerBytes = 0

    @inline(__always)
    init(at place: UnsafeMutablePointer<Slot>) { self.place = place }

    @inline(__always)
    static func advance(_ place: UnsafeMutablePointer<Slot>) {}

    @inline(__always)
    private func check() {}
    #endif

    /// The slot itself.
    @inline(__always)
    var pointee: Slot {
        unsafeAddress {
            check()
            return UnsafePointer(place)
        }
        nonmutating unsafeMutableAddress {
            check()
            return place
        }
    }

    // MARK: - As a number

    /// The handle as a number that is not zero, for the kernel to give back with an event.
    var token: UInt64 {
        let address = UInt64(UInt(bitPattern: place))
        #if DEBUG
        // An address of a process has 47 bits.
        return address << 16 | UInt64(generation)
        #else
        return address
        #endif
    }

    /// The handle that a number stands for; `nil` for zero.
    init?(token: UInt64) {
        #if DEBUG
        let address = UInt(token >> 16)
        generation = UInt16(truncatingIfNeeded: token)
        #else
        let address = UInt(token)
        #endif
        guard let place = UnsafeMutablePointer<Slot>(bitPattern: address) else { return nil }
        self.place = place
    }
}

@available(*, unavailable)
extension SlotHandle: Sendable {}
#endif
