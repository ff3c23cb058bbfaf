import Channels
import Testing
import WebSocketCore

@testable import PusherProtocol

@Suite("What the tables of a node remember at most", .timeLimit(.minutes(5)))
struct NodeTablesTests {
    private func signature(_ number: Int) -> [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) }
    }

    @Test("Above its capacity a table of signatures takes none, and forgets whole minutes when they have passed")
    func replays() {
        var table = ReplayTable(capacity: 3)
        for number in 0..<3 {
            #expect(table.take(signature(number), timestamp: 6_000, window: 600, now: 6_000) == .first)
        }
        #expect(table.take(signature(3), timestamp: 6_000, window: 600, now: 6_000) == .full)
        #expect(table.take(signature(0), timestamp: 6_000, window: 600, now: 6_000) == .repeated)
        #expect(table.take(signature(3), timestamp: 6_661, window: 600, now: 6_661) == .first)
    }

    @Test("Apps that refuse repeated signatures share what a node remembers; those that do not take nothing of it")
    func shares() throws {
        func app(_ id: String, refuses: Bool) -> PusherApp {
            var app = PusherApp(id: id, name: id, keys: [PusherKey(key: "k\(id)", secret: "s")])
            app.refusesReplay = refuses
            return app
        }
        let refusing = (0..<100).map { app("r\($0)", refuses: true) }
        let node = PusherNode(
            apps: refusing + [app("other", refuses: false)], engine: MemoryEngine(),
            clock: { MonotonicInstant(milliseconds: 0) }, wallClock: { 0 })
        let (first, second) = (try #require(node.runtime(id: "r0")), try #require(node.runtime(id: "r1")))
        var uses = 0
        while first.takeSignature(signature(uses), timestamp: 600, window: 600, now: 600) == .first { uses += 1 }
        #expect(uses == 10_000)
        #expect(second.takeSignature(signature(0), timestamp: 600, window: 600, now: 600) == .first)
    }

    @Test("Above its capacity a table of quiet channels remembers none, and reports more often instead")
    func quiet() throws {
        var table = QuietTable(interval: 10_000)
        let now = MonotonicInstant(milliseconds: 1_000)
        func name(_ number: Int) throws -> ChannelName { try #require(ChannelName(Array("c\(number)".utf8))) }
        for number in 0..<QuietTable.capacity { #expect(table.take(try name(number), now: now)) }
        #expect(!table.take(try name(0), now: now))
        #expect(table.take(try name(QuietTable.capacity), now: now))
        #expect(table.take(try name(QuietTable.capacity), now: now))
        table.forget(now: now.advanced(by: 10_000))
        #expect(table.take(try name(QuietTable.capacity), now: now))
        #expect(!table.take(try name(QuietTable.capacity), now: now))
    }
}
