import Testing
import WebSocketCore

@testable import Channels

@Suite("Shards", .timeLimit(.minutes(5)))
struct ShardTests {
    @Test("A burst wakes the loop once, and the next burst once more")
    func oneWakeUpPerBurst() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let anna = Recorder()
        let membership = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        for number in 0..<100 { membership.say("\(number)") }
        #expect(loop.wakeUps == 1)
        loop.shard.drain()
        #expect(anna.texts.count == 101)

        membership.say("more")
        membership.say("and more")
        #expect(loop.wakeUps == 2)
    }

    @Test("A burst for many subscribers on several shards wakes each of them once, and a shard without any never")
    func oneWakeUpPerBurstAndShard() throws {
        let loops = (0..<4).map { _ in ManualLoop() }
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let recorders = try loops.prefix(3).flatMap { loop in
            try (0..<50).map { _ in
                let recorder = Recorder()
                _ = hub.subscribe(try channelName(), with: recorder, on: loop.shard)
                return recorder
            }
        }
        for loop in loops { loop.shard.drain() }
        #expect(loops.map(\.wakeUps) == [1, 1, 1, 0])
        for round in 1...3 {
            for number in 0..<100 { try hub.publish("\(number)", to: channelName()) }
            #expect(loops.map(\.wakeUps) == [1 + round, 1 + round, 1 + round, 0])
            for loop in loops { loop.shard.drain() }
        }
        for recorder in recorders { #expect(recorder.frames.count == 300) }
    }

    @Test(
        "An emptied list is kept while bursts need it, and given back after a single one",
        arguments: [
            (0, 0, true), (1024, 1, true), (2048, 512, true), (2048, 511, false), (65_536, 65_536, true),
            (65_537, 65_537, false),
        ])
    func keptList(capacity: Int, used: Int, isKept: Bool) {
        #expect(Shard.isKept(capacity: capacity, used: used) == isKept)
    }

    @Test("What is posted during a drain wakes the loop again and comes with the next drain")
    func postedWhileDraining() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let anna = Recorder()
        let membership = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        loop.shard.drain()
        _ = anna.take()
        anna.afterDelivery = {
            anna.afterDelivery = nil
            membership.say("answer")
        }
        membership.say("question")
        #expect(loop.wakeUps == 2)
        loop.shard.drain()
        #expect(anna.take() == ["said question"])
        #expect(loop.wakeUps == 3)
        loop.shard.drain()
        #expect(anna.take() == ["said answer"])
        #expect(loop.wakeUps == 3)
    }

    @Test("A sender on the shard's own thread goes through the mailbox like everybody else")
    func noShortWay() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let anna = Recorder()
        let membership = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        membership.say("first")
        #expect(anna.texts.isEmpty)
        loop.shard.drain()
        #expect(anna.texts == ["welcomed anna: anna", "said first"])
    }

    @Test("Large messages are paused while more waits than a shard holds, and go on when it has been delivered")
    func fullShard() throws {
        let pauses = Lock<[Bool]>([])
        let shard = Shard(
            outputBudget: OutputBudget(bytes: 1 << 20), wake: { _ in },
            holdLargeMessages: { isOn in pauses.withLock { $0.append(isOn) } })
        let hub = ChannelHub(encoder: WordEncoder())
        let recorders = try (0..<100).map { _ in
            let recorder = Recorder()
            _ = hub.subscribe(try channelName(), with: recorder, on: shard)
            return recorder
        }
        shard.drain()
        let text = String(repeating: "x", count: 10_000)
        for round in 1...3 {
            for _ in 0..<60 { try hub.publish(text, to: channelName()) }
            #expect(pauses.withLock { $0.count } == 2 * round - 1)
            // A MB for each message to all, and 8 MiB in an iteration: most of them wait for the next ones.
            for _ in 0..<100 { shard.drain() }
            #expect(recorders.allSatisfy { $0.frames.count == 60 * round })
            #expect(pauses.withLock { $0 } == (0..<2 * round).map { $0 % 2 == 0 })
        }
    }

    @Test("A drain of an empty mailbox does nothing")
    func empty() {
        let loop = ManualLoop()
        loop.shard.drain()
        #expect(loop.wakeUps == 0)
    }

    @Test("A burst longer than the list that is kept arrives whole, and so does what follows")
    func longBurst() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let anna = Recorder()
        let membership = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        for round in 0..<3 {
            for number in 0..<5_000 { membership.say("\(round) \(number)") }
            loop.shard.drain()
            #expect(anna.take().suffix(5_000) == (0..<5_000).map { "said \(round) \($0)" }[...])
        }
    }
}
