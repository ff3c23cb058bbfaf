import Testing
import WebSocketCore

@testable import Channels

@Suite("Subscribers that are no members", .timeLimit(.minutes(5)))
struct SubscriptionTests {
    /// One hub and two loops, which the subscribers are spread over.
    private final class Fixture {
        let loops = [ManualLoop(), ManualLoop()]
        let hub: ChannelHub
        private var opened = 0

        init(maximumMembers: Int = ChannelHub.defaultMaximumMembers) {
            hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder(), maximumMembers: maximumMembers)
        }

        private var nextShard: Shard {
            defer { opened += 1 }
            return loops[opened % loops.count].shard
        }

        func subscribe(channel: String = "lobby") throws -> (Recorder, Subscription) {
            let recorder = Recorder()
            return (recorder, hub.subscribe(try channelName(channel), with: recorder, on: nextShard))
        }

        func join(_ name: String, channel: String = "lobby") throws -> (Recorder, Membership) {
            let recorder = Recorder()
            return (recorder, try hub.join(channelName(channel), as: Profile(name), with: recorder, on: nextShard))
        }

        func publish(_ text: String, channel: String = "lobby", kind: MessageKind = .text) throws {
            try hub.publish(text, to: channelName(channel), kind: kind)
        }

        func drain() {
            for loop in loops { loop.shard.drain() }
        }
    }

    @Test(
        "Everybody gets a publication from outside, as one frame that all share",
        arguments: [MessageKind.text, .binary])
    func publication(kind: MessageKind) throws {
        let room = Fixture()
        let (first, _) = try room.subscribe()
        let (second, _) = try room.subscribe()
        let (member, _) = try room.join("anna")
        room.drain()
        _ = (first.take(), second.take(), member.take())
        try room.publish("news", kind: kind)
        room.drain()
        let frames = [first, second, member].compactMap(\.frames.last)
        #expect(frames.count == 3)
        #expect(Set(frames.map { ObjectIdentifier($0) }).count == 1)
        #expect(frames.first?.kind == kind)
        // Without an encoder's word about it, the bytes travel as they are (RFC 6455 §5.2: header of 2 bytes).
        #expect(frames.first?.bytes == [0x80 | kind.rawValue, 4] + Array("news".utf8))
    }

    @Test("A subscriber hears what all members hear, and nothing that goes to one alone")
    func hears() throws {
        let room = Fixture()
        let (listener, _) = try room.subscribe()
        let (anna, sender) = try room.join("anna")
        let (_, addressee) = try room.join("ben")
        sender.say("hello")
        try sender.whisper("psst", to: addressee.code)
        sender.notify(Array("note".utf8))
        sender.update(Profile("anne"))
        addressee.leave()
        room.drain()
        #expect(
            listener.texts == [
                "joined anna", "joined ben", "said hello", "left \(sender.code.string)", "joined anne",
                "left \(addressee.code.string)",
            ])
        #expect(anna.texts.first == "welcomed anna: anna")
    }

    @Test("A subscriber stands in no roster, and nobody is told that it comes or goes")
    func unseen() throws {
        let room = Fixture()
        let (anna, _) = try room.join("anna")
        let (listener, subscription) = try room.subscribe()
        let (ben, _) = try room.join("ben")
        subscription.leave()
        room.drain()
        #expect(anna.texts == ["welcomed anna: anna", "joined ben"])
        #expect(ben.texts == ["welcomed ben: anna ben"])
        #expect(listener.texts.isEmpty)
    }

    @Test("Alone with a subscriber, a member that changes its profile is heard, and by the subscriber alone")
    func profileBesideSubscriber() throws {
        let room = Fixture()
        let (anna, member) = try room.join("anna")
        let (listener, _) = try room.subscribe()
        member.update(Profile("anne"))
        room.drain()
        // A member gets one list an iteration.
        room.drain()
        #expect(anna.texts == ["welcomed anna: anna", "welcomed anne: anne"])
        #expect(listener.texts == ["left \(member.code.string)", "joined anne"])
    }

    @Test("Subscribers don't count against the limit of members")
    func unlimited() throws {
        let room = Fixture(maximumMembers: 1)
        for _ in 0..<10 { _ = try room.subscribe() }
        _ = try room.join("anna")
        #expect(throws: ChannelError.full) { try room.join("ben") }
        let (listener, _) = try room.subscribe()
        try room.publish("news")
        room.drain()
        #expect(listener.texts == ["news"])
    }

    @Test("What was published before a subscription never reaches it, on whichever shard")
    func subscribedAfter() throws {
        let room = Fixture()
        let (first, _) = try room.subscribe()
        try room.publish("early")
        let (second, _) = try room.subscribe()
        let (third, _) = try room.subscribe()
        try room.publish("late")
        room.drain()
        #expect(first.texts == ["early", "late"])
        #expect(second.texts == ["late"])
        #expect(third.texts == ["late"])
    }

    @Test("Whoever leaves gets nothing more, not even what was waiting, however often it leaves")
    func leave() throws {
        let room = Fixture()
        let (first, subscription) = try room.subscribe()
        let (second, _) = try room.subscribe()
        let (third, _) = try room.subscribe()  // on the shard of the first
        room.drain()
        try room.publish("before")
        let copy = subscription
        subscription.leave()
        copy.leave()
        subscription.leave()
        try room.publish("after")
        room.drain()
        #expect(first.texts.isEmpty)
        #expect(second.texts == ["before", "after"])
        #expect(third.texts == ["before", "after"])
        #expect(room.hub.channelCount == 1)
    }

    @Test("A subscriber may leave while something is delivered to it; the others get it all the same")
    func leaveDuringDelivery() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let recorders = (0..<5).map { _ in Recorder() }
        let places = try recorders.map { hub.subscribe(try channelName(), with: $0, on: loop.shard) }
        for index in [0, 3, 4] { recorders[index].afterDelivery = { places[index].leave() } }
        try hub.publish("one", to: channelName())
        try hub.publish("two", to: channelName())
        loop.shard.drain()
        loop.shard.drain()
        for index in [0, 3, 4] { #expect(recorders[index].texts == ["one"]) }
        for index in [1, 2] { #expect(recorders[index].texts == ["one", "two"]) }
    }

    @Test("A publication to a channel where nobody is goes nowhere and leaves nothing behind")
    func nobody() throws {
        let room = Fixture()
        try room.publish("news")
        #expect(room.hub.channelCount == 0)
        let (listener, _) = try room.subscribe()
        try room.publish("elsewhere", channel: "other")
        room.drain()
        #expect(listener.texts.isEmpty)
        #expect(room.hub.channelCount == 1)
    }

    @Test("A channel lives until the last subscriber has left, member or not, and is forgotten then")
    func channelCount() throws {
        let room = Fixture()
        let (_, first) = try room.subscribe()
        let (_, member) = try room.join("anna")
        let (_, second) = try room.subscribe()
        member.leave()
        #expect(room.hub.channelCount == 1)
        first.leave()
        #expect(room.hub.channelCount == 1)
        second.leave()
        #expect(room.hub.channelCount == 0)
        let (_, third) = try room.subscribe()
        let (_, other) = try room.join("ben")
        third.leave()
        #expect(room.hub.channelCount == 1)
        other.leave()
        #expect(room.hub.channelCount == 0)
    }

    @Test("A subscriber that has left leaves nothing behind: no subscriber, no seat, no audience, no channel")
    func nothingStays() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        weak var subscriber: Recorder?
        weak var seat: Seat?
        weak var audience: Audience?
        weak var channel: Channel?
        do {
            let recorder = Recorder()
            let subscription = hub.subscribe(try channelName(), with: recorder, on: loop.shard)
            subscriber = recorder
            (seat, audience, channel) = (subscription.seat, subscription.seat.audience, subscription.seat.channel)
            try hub.publish("news", to: channelName())
            loop.shard.drain()
            #expect(recorder.texts == ["news"])
            subscription.leave()
        }
        loop.shard.drain()
        #expect(subscriber == nil)
        #expect(seat == nil)
        #expect(audience == nil)
        #expect(channel == nil)
    }

    @Test("A channel that everybody has left takes nobody any more; publications find its successor")
    func successor() throws {
        let room = Fixture()
        let (_, first) = try room.subscribe()
        let old = first.seat.channel
        first.leave()
        #expect(old.subscribe(Recorder(), on: room.loops[0].shard, SubscriptionRequest()) == nil)
        old.publish(SharedFrame(text: "lost"))
        let (listener, second) = try room.subscribe()
        #expect(second.seat.channel !== old)
        try room.publish("news")
        room.drain()
        #expect(listener.texts == ["news"])
    }

    @Test("An event that the protocol has no message for is told to nobody")
    func silentProtocol() throws {
        struct SilentEncoder: ChannelEncoder {
            func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? { nil }

            func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame {
                SharedFrame(.text, publication.data)
            }
        }
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: SilentEncoder())
        let (anna, ben) = (Recorder(), Recorder())
        let first = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        let second = try hub.join(channelName(), as: Profile("ben"), with: ben, on: loop.shard)
        first.say("hello")
        try first.whisper("hm", to: second.code)
        first.update(Profile("anne"))
        #expect(throws: ChannelError.toOneself) { try first.whisper("hm", to: first.code) }
        try hub.publish("news", to: channelName())
        second.leave()
        loop.shard.drain()
        #expect(anna.texts == ["hello", "whispered hm", "news"])
        #expect(ben.texts.isEmpty)
    }
}
