import Testing

@testable import Channels

@Suite("What members and channels leave behind", .timeLimit(.minutes(5)))
struct ChannelMemoryTests {
    @Test("A channel comes with its first member and goes with its last")
    func channelCount() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        #expect(hub.channelCount == 0)
        let first = try hub.join(channelName("one"), as: Profile("a"), with: Recorder(), on: loop.shard)
        let second = try hub.join(channelName("one"), as: Profile("b"), with: Recorder(), on: loop.shard)
        let third = try hub.join(channelName("two"), as: Profile("c"), with: Recorder(), on: loop.shard)
        #expect(hub.channelCount == 2)
        first.leave()
        #expect(hub.channelCount == 2)
        second.leave()
        third.leave()
        #expect(hub.channelCount == 0)
    }

    @Test("A member that leaves leaves nothing behind: no subscriber, no seat, no audience")
    func nothingStays() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let stays = try hub.join(channelName(), as: Profile("stays"), with: Recorder(), on: loop.shard)
        let otherLoop = ManualLoop()
        weak var subscriber: Recorder?
        weak var seat: Seat?
        weak var audience: Audience?
        do {
            let recorder = Recorder()
            let membership = try hub.join(channelName(), as: Profile("goes"), with: recorder, on: otherLoop.shard)
            (subscriber, seat, audience) = (recorder, membership.seat, membership.seat.audience)
            otherLoop.shard.drain()
            #expect(recorder.texts.count == 1)
            membership.leave()
        }
        // They go with the drain that takes the seat off the shard's list.
        otherLoop.shard.drain()
        #expect(subscriber == nil)
        loop.shard.drain()
        #expect(seat == nil)
        #expect(audience == nil)
        #expect(hub.channelCount == 1)
        withExtendedLifetime(stays) {}
    }

    @Test("A channel that everybody has left is freed, and so is what was on its way")
    func channelIsFreed() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        weak var channel: Channel?
        do {
            let memberships = try (0..<3).map { number in
                try hub.join(channelName(), as: Profile("\(number)"), with: Recorder(), on: loop.shard)
            }
            channel = memberships.first?.seat.channel
            memberships.first?.say("last words")
            for membership in memberships { membership.leave() }
        }
        loop.shard.drain()
        #expect(channel == nil)
    }

    @Test("A subscriber that keeps its membership is freed all the same once it has left")
    func ownMembership() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        weak var subscriber: Recorder?
        do {
            let recorder = Recorder()
            let membership = try hub.join(channelName(), as: Profile("m"), with: recorder, on: loop.shard)
            recorder.afterDelivery = { membership.say("again") }
            subscriber = recorder
            membership.leave()
        }
        loop.shard.drain()
        #expect(subscriber == nil)
    }

    @Test("A channel that everybody has left takes nobody any more, and does not take its successor along")
    func successor() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let first = try hub.join(channelName(), as: Profile("a"), with: Recorder(), on: loop.shard)
        first.leave()
        let late = try first.seat.channel.join(
            as: Profile("late"), with: Recorder(), on: loop.shard, SubscriptionRequest())
        #expect(late == nil)
        let second = try hub.join(channelName(), as: Profile("b"), with: Recorder(), on: loop.shard)
        #expect(second.seat.channel !== first.seat.channel)
        hub.forget(first.seat.channel)
        #expect(hub.channelCount == 1)
        second.leave()
        #expect(hub.channelCount == 0)
    }

    @Test("A refused join leaves nothing behind")
    func refusedJoin() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder(), maximumMembers: 1)
        let only = try hub.join(channelName(), as: Profile("only"), with: Recorder(), on: loop.shard)
        weak var subscriber: Recorder?
        do {
            let recorder = Recorder()
            subscriber = recorder
            #expect(throws: ChannelError.full) {
                try hub.join(channelName(), as: Profile("b"), with: recorder, on: loop.shard)
            }
        }
        loop.shard.drain()
        #expect(subscriber == nil)
        withExtendedLifetime(only) {}
    }

    @Test("The handles that sessions keep are a word, and four words for members")
    func handleSize() {
        #expect(MemoryLayout<Subscription?>.size == 8)
        #expect(MemoryLayout<Membership?>.size <= 32)
    }
}
