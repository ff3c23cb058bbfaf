/// The control: one allocation per operation, no more and no fewer.
enum Control {
    /// Allocates `count` times.
    static func run(_ count: Int) -> Int {
        var sum = 0
        for number in 0..<count {
            let memory = allocate(16)
            memory.storeBytes(of: UInt8(truncatingIfNeeded: number), as: UInt8.self)
            sum &+= Int(memory.load(as: UInt8.self))
            memory.deallocate()
        }
        return sum
    }

    /// Not inlined, so that the optimiser can not remove the pair of allocation and release.
    @inline(never)
    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 8)
    }
}
