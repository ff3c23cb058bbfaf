import Glibc
import Testing
import WebSocketCore

@testable import Reactor

/// A read of memory that nobody may touch, on purpose: `scripts/sanitize` runs each of these and trusts the address
/// sanitizer only when it has reported all three. `PARLEY_PLANTED_READ` says which; without it they only look whether the
/// memory is marked.
@Suite("What is released in a loop is forbidden memory", .serialized, .timeLimit(.minutes(5)))
struct PlantedReadTests {
    enum Place: String, CaseIterable, Sendable {
        case arena, run, slot
    }

    /// The address of something that was in use and no longer is.
    private func stale(_ place: Place, _ body: (UnsafePointer<UInt8>) throws -> Void) throws {
        switch place {
        case .arena:
            var arena = ByteArena(capacity: 256, keptCapacity: 256, mostKept: 256)
            defer { arena.deallocate() }
            _ = arena.append(atMost: 64) { space in
                space.initializeMemory(as: UInt8.self, repeating: 7, count: 64)
                return 64
            }
            let address = arena.withBytes(at: 0, count: 64) { bytes, _ in bytes.assumingMemoryBound(to: UInt8.self) }
            #expect(address[32] == 7)
            arena.reset()
            try body(address + 32)
        case .run:
            var runs = RunStore(capacity: 4, kept: 4)
            defer { runs.deallocate() }
            let run = runs.add(OutputRun(start: 0, count: 64, frame: nil, next: nil))
            let address = withUnsafeMutablePointer(to: &run.pointee) { UnsafeRawPointer($0) }
            runs.reset()
            try body(address.assumingMemoryBound(to: UInt8.self))
        case .slot:
            let loop = try ReactorLoop(loops: 1)
            let rules = ConnectionRules(role: .server, limits: ConnectionLimits())
            let machine = ConnectionStateMachine(rules: rules, now: MonotonicInstant(milliseconds: 0))
            let slot = loop.slab.insert { index in
                Slot(
                    machine: machine, session: nil, connection: nil, extras: nil, output: nil, tick: loop.tickOutput,
                    descriptor: -1, index: index, next: Slab.none, previous: Slab.none,
                    timerList: TimerWheel.unlisted, flags: [])
            }
            let address = withUnsafeMutablePointer(to: &slot.pointee) { UnsafeRawPointer($0) }
            loop.slab.release(slot)
            try body(address.assumingMemoryBound(to: UInt8.self))
        }
    }

    #if DEBUG
    @Test("It is filled with a pattern", .enabled(if: !MemoryGuard.isWatched), arguments: Place.allCases)
    func pattern(_ place: Place) throws {
        try stale(place) { #expect($0.pointee == 0xA5) }
    }

    @Test("The address sanitizer knows it", .enabled(if: MemoryGuard.isWatched), arguments: Place.allCases)
    func isPoisoned(_ place: Place) throws {
        let query = try #require(dlsym(nil, "__asan_address_is_poisoned"))
        let isPoisoned = unsafeBitCast(query, to: (@convention(c) (UnsafeRawPointer) -> Int32).self)
        try stale(place) { #expect(isPoisoned($0) != 0) }
    }
    #endif

    @Test("A read is planted", .enabled(if: getenv("PARLEY_PLANTED_READ") != nil))
    func read() throws {
        let name = getenv("PARLEY_PLANTED_READ").map { String(cString: $0) }
        let place = try #require(name.flatMap(Place.init))
        try stale(place) { address in
            print("planted read of a released \(place): \(address.pointee)")
        }
    }
}
