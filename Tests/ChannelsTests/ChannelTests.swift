import Channels
import Testing
import WebSocketCore

@Suite("Channels", .timeLimit(.minutes(5)))
struct ChannelTests {
    /// Some members of one channel, spread over two loops.
    private final class Fixture {
        let loops = [ManualLoop(), ManualLoop()]
        let hub: ChannelHub
        private var joined = 0

        init(maximumMembers: Int = ChannelHub.defaultMaximumMembers) {
            hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder(), maximumMembers: maximumMembers)
        }

        func join(_ name: String, channel: String = "lobby") throws -> (Recorder, Membership) {
            let recorder = Recorder()
            defer { joined += 1 }
            let loop = loops[joined % loops.count]
            let membership = try hub.join(channelName(channel), as: Profile(name), with: recorder, on: loop.shard)
            return (recorder, membership)
        }

        func drain() {
            for loop in loops { loop.shard.drain() }
        }
    }

    @Test("A joiner is welcomed first, with everybody in joining order; the others are told")
    func join() throws {
        let room = Fixture()
        let (anna, _) = try room.join("anna")
        let (ben, _) = try room.join("ben")
        let (cleo, _) = try room.join("cleo")
        room.drain()
        #expect(anna.texts == ["welcomed anna: anna", "joined ben", "joined cleo"])
        #expect(ben.texts == ["welcomed ben: anna ben", "joined cleo"])
        #expect(cleo.texts == ["welcomed cleo: anna ben cleo"])
    }

    @Test("What is said reaches everybody, the sender included, as one frame that all share")
    func publish() throws {
        let room = Fixture()
        let (anna, _) = try room.join("anna")
        let (ben, member) = try room.join("ben")
        let (cleo, _) = try room.join("cleo")
        member.say("hello")
        room.drain()
        let frames = [anna, ben, cleo].compactMap(\.frames.last)
        #expect(frames.map { String(decoding: $0.payload, as: UTF8.self) } == Array(repeating: "said hello", count: 3))
        #expect(Set(frames.map { ObjectIdentifier($0) }).count == 1)
    }

    @Test("A direct message reaches sender and addressee as one frame, and nobody else")
    func direct() throws {
        let room = Fixture()
        let (anna, sender) = try room.join("anna")
        let (ben, addressee) = try room.join("ben")
        let (cleo, _) = try room.join("cleo")
        room.drain()
        for recorder in [anna, ben, cleo] { _ = recorder.take() }
        try sender.whisper("psst", to: addressee.code)
        room.drain()
        #expect(anna.texts == ["whispered psst"])
        #expect(ben.texts == anna.texts)
        #expect(anna.frames.first === ben.frames.first)
        #expect(cleo.texts.isEmpty)
    }

    @Test("A direct message to oneself or to nobody is refused, and nobody hears of it")
    func directRefused() throws {
        let room = Fixture()
        let (anna, sender) = try room.join("anna")
        let (ben, gone) = try room.join("ben")
        let (_, elsewhere) = try room.join("cleo", channel: "other")
        gone.leave()
        room.drain()
        _ = (anna.take(), ben.take())
        #expect(throws: ChannelError.toOneself) { try sender.whisper("hm", to: sender.code) }
        for code in [gone.code, elsewhere.code, MemberCode()] {
            #expect(throws: ChannelError.unknownMember) { try sender.whisper("hm", to: code) }
        }
        room.drain()
        #expect(anna.texts.isEmpty)
        #expect(ben.texts.isEmpty)
    }

    @Test("Another profile keeps code and place; the others hear of a leave and a join, the member is welcomed again")
    func update() throws {
        let room = Fixture()
        let (anna, member) = try room.join("anna")
        let (ben, _) = try room.join("ben")
        let (cleo, _) = try room.join("cleo")
        room.drain()
        for recorder in [anna, ben, cleo] { _ = recorder.take() }
        let code = member.code
        member.update(Profile("anne"))
        room.drain()
        #expect(anna.texts == ["welcomed anne: anne ben cleo"])
        #expect(ben.texts == ["left \(code.string)", "joined anne"])
        #expect(cleo.texts == ben.texts)
        #expect(member.code == code)
    }

    @Test("Whoever leaves gets nothing more, not even what was waiting; the others are told once")
    func leave() throws {
        let room = Fixture()
        let (anna, member) = try room.join("anna")
        let (ben, other) = try room.join("ben")
        room.drain()
        _ = (anna.take(), ben.take())
        other.say("before")
        member.leave()
        member.leave()
        other.say("after")
        room.drain()
        #expect(anna.texts.isEmpty)
        #expect(ben.texts == ["said before", "left \(member.code.string)", "said after"])
        let (cleo, _) = try room.join("cleo")
        room.drain()
        #expect(cleo.texts == ["welcomed cleo: ben cleo"])
    }

    @Test("A copy of a membership is the same place: it is left once")
    func copies() throws {
        let room = Fixture()
        let (ben, _) = try room.join("ben")
        let (_, member) = try room.join("anna")
        let copy = member
        copy.leave()
        member.leave()
        room.drain()
        #expect(ben.take().filter { $0.hasPrefix("left") }.count == 1)
    }

    @Test("Whoever has left can do nothing any more")
    func afterLeaving() throws {
        let room = Fixture()
        let (anna, member) = try room.join("anna")
        let (ben, other) = try room.join("ben")
        member.leave()
        room.drain()
        _ = ben.take()
        member.say("still here")
        member.update(Profile("ghost"))
        member.notify(Array("note".utf8))
        try member.whisper("hm", to: other.code)
        room.drain()
        #expect(anna.texts.isEmpty)
        #expect(ben.texts.isEmpty)
    }

    @Test("A publication never reaches somebody who joined after it, on whichever shard")
    func joinedAfter() throws {
        let room = Fixture()
        let (_, member) = try room.join("anna")
        member.say("early")
        let (ben, _) = try room.join("ben")
        let (cleo, _) = try room.join("cleo")
        room.drain()
        #expect(ben.texts == ["welcomed ben: anna ben", "joined cleo"])
        #expect(cleo.texts == ["welcomed cleo: anna ben cleo"])
    }

    @Test("Leaving before the welcome was delivered: nothing is delivered at all")
    func leaveBeforeWelcome() throws {
        let room = Fixture()
        let (anna, member) = try room.join("anna")
        member.leave()
        room.drain()
        #expect(anna.texts.isEmpty)
    }

    @Test("A note to one member comes after what the channel has for it so far, and nobody else gets it")
    func notify() throws {
        let room = Fixture()
        let (anna, _) = try room.join("anna")
        let (ben, member) = try room.join("ben")
        member.notify(Array("note".utf8))
        room.drain()
        #expect(ben.texts == ["welcomed ben: anna ben", "note"])
        #expect(anna.texts == ["welcomed anna: anna", "joined ben"])
    }

    @Test("A subscriber may leave while something is delivered to it; the others get it all the same")
    func leaveDuringDelivery() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let recorders = (0..<5).map { _ in Recorder() }
        let members = try recorders.map { recorder in
            try hub.join(channelName(), as: Profile("m"), with: recorder, on: loop.shard)
        }
        loop.shard.drain()
        for recorder in recorders { _ = recorder.take() }
        for index in [0, 2, 4] { recorders[index].afterDelivery = { members[index].leave() } }
        members[1].say("one")
        members[1].say("two")
        loop.shard.drain()
        loop.shard.drain()
        for index in [0, 2, 4] { #expect(recorders[index].texts == ["said one"]) }
        for index in [1, 3] {
            #expect(
                recorders[index].texts
                    == ["said one", "said two"] + [0, 2, 4].map { "left \(members[$0].code.string)" })
        }
    }

    @Test("Members of one shard leave in any order, and the rest still get everything", arguments: 0..<6)
    func leaveInAnyOrder(first: Int) throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let recorders = (0..<6).map { _ in Recorder() }
        let members = try recorders.map { recorder in
            try hub.join(channelName(), as: Profile("m"), with: recorder, on: loop.shard)
        }
        var present = Set(0..<6)
        for step in 0..<5 {
            let leaver = (first + step * 5) % 6
            members[leaver].leave()
            present.remove(leaver)
            loop.shard.drain()
            for recorder in recorders { _ = recorder.take() }
            for index in present { members[index].say("\(index)") }
            loop.shard.drain()
            let expected = present.map { "said \($0)" }
            for index in 0..<6 { #expect(recorders[index].texts == (present.contains(index) ? expected : [])) }
        }
    }

    @Test("A full channel refuses the next, until somebody leaves")
    func full() throws {
        let room = Fixture(maximumMembers: 2)
        let (anna, member) = try room.join("anna")
        _ = try room.join("ben")
        room.drain()
        _ = anna.take()
        #expect(throws: ChannelError.full) { try room.join("cleo") }
        room.drain()
        #expect(anna.texts.isEmpty)
        member.leave()
        let (cleo, _) = try room.join("cleo")
        room.drain()
        #expect(cleo.texts == ["welcomed cleo: ben cleo"])
    }

    @Test("By default 1,000 members are a full channel")
    func defaultMaximum() throws {
        let room = Fixture()
        for number in 0..<1_000 { _ = try room.join("\(number)") }
        #expect(throws: ChannelError.full) { try room.join("one more") }
    }

    @Test("Channels don't see each other")
    func separate() throws {
        let room = Fixture()
        let (anna, member) = try room.join("anna")
        let (ben, _) = try room.join("ben", channel: "other")
        member.say("hello")
        member.leave()
        room.drain()
        #expect(anna.texts.isEmpty)
        #expect(ben.texts == ["welcomed ben: ben"])
    }

    @Test("One subscriber can be in several channels and leave one of them")
    func severalChannels() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let anna = Recorder()
        let first = try hub.join(channelName("one"), as: Profile("anna"), with: anna, on: loop.shard)
        let second = try hub.join(channelName("two"), as: Profile("anna"), with: anna, on: loop.shard)
        loop.shard.drain()
        _ = anna.take()
        first.leave()
        first.say("gone")
        second.say("here")
        loop.shard.drain()
        #expect(anna.texts == ["said here"])
    }
}
