import Channels
import Testing
import WebSocketCore

@testable import ParleyServer

@Suite("The shards of several loops", .timeLimit(.minutes(5)))
struct ShardsTests {
    private final class Reader: Subscriber {
        override func deliver(_ frame: SharedFrame) {}
    }

    /// Puts more in front of a loop's shard than that holds.
    private func fill(_ loop: TurnedLoop, _ shards: Shards, _ hub: ChannelHub, _ name: String) throws {
        let channel = try #require(ChannelName(Array(name.utf8)))
        for _ in 0..<100 { _ = hub.subscribe(channel, with: Reader(), on: shards.shard(of: loop)) }
        loop.run()
        let message = [UInt8](repeating: 1, count: 10_000)
        for _ in 0..<60 { hub.publish(.binary, message.span.bytes, to: channel) }
    }

    @Test("While any shard holds more than it may, no loop handles large messages, one that comes later included")
    func full() throws {
        let shards = Shards(outputBudget: OutputBudget(bytes: 1 << 20))
        let hub = ChannelHub(engine: MemoryEngine(), encoder: SilentEncoder())
        let (first, second, third, late) = (TurnedLoop(), TurnedLoop(), TurnedLoop(), TurnedLoop())
        for loop in [first, second, third] { _ = shards.shard(of: loop) }
        for _ in 0..<2 {
            try fill(first, shards, hub, "first")
            third.run()
            #expect(third.holdsLargeMessages)
            try fill(second, shards, hub, "second")
            _ = shards.shard(of: late)
            late.run()
            #expect(late.holdsLargeMessages)
            first.run()
            third.run()
            late.run()
            #expect(third.holdsLargeMessages && late.holdsLargeMessages, "the second one is full still")
            for _ in 0..<2 { for loop in [second, first, third, late] { loop.run() } }
            #expect([first, second, third, late].allSatisfy { !$0.holdsLargeMessages })
        }
    }

    @Test("The most that a loop has done is that of the one that has done most")
    func statistics() throws {
        let shards = Shards(outputBudget: OutputBudget(bytes: 64 << 20))
        let hub = ChannelHub(engine: MemoryEngine(), encoder: SilentEncoder())
        let loops = (0..<3).map { _ in TurnedLoop() }
        for loop in loops { _ = shards.shard(of: loop) }
        try fill(loops[1], shards, hub, "second")
        loops[1].run()
        for loop in loops { loop.run() }
        #expect(shards.statistics.mostDeliveries >= 100)
        #expect(shards.statistics.mostBytes >= 10_000)
    }
}
