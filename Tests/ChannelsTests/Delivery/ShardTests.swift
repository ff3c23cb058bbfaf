import Channels
import Testing

@Suite("Shards")
struct ShardTests {
    @Test("A burst wakes the loop once, and the next burst once more")
    func oneWakeUpPerBurst() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
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

    @Test("What is posted during a drain wakes the loop again and comes with the next drain")
    func postedWhileDraining() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
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
        let hub = ChannelHub(encoder: WordEncoder())
        let anna = Recorder()
        let membership = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        membership.say("first")
        #expect(anna.texts.isEmpty)
        loop.shard.drain()
        #expect(anna.texts == ["welcomed anna: anna", "said first"])
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
        let hub = ChannelHub(encoder: WordEncoder())
        let anna = Recorder()
        let membership = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        for round in 0..<3 {
            for number in 0..<5_000 { membership.say("\(round) \(number)") }
            loop.shard.drain()
            #expect(anna.take().suffix(5_000) == (0..<5_000).map { "said \(round) \($0)" }[...])
        }
    }
}
