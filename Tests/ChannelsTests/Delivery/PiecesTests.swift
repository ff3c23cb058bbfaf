import Synchronization
import Testing
import WebSocketCore

@testable import Channels

@Suite("What one iteration of a loop does", .timeLimit(.minutes(5)))
struct PiecesTests {
    /// A wire protocol for tests that counts what it encodes.
    private final class CountingEncoder: ChannelEncoder {
        private let words = WordEncoder()
        let listings = Atomic(0)
        let welcomes = Atomic(0)
        let missed = Atomic(0)

        func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? {
            words.frame(for: event, in: channel)
        }

        func listing(of member: Member) -> [UInt8] {
            listings.add(1, ordering: .relaxed)
            return words.listing(of: member)
        }

        func welcome(_ member: ListedMember, _ roster: Roster, in channel: ChannelName) -> SharedFrame? {
            welcomes.add(1, ordering: .relaxed)
            return words.welcome(member, roster, in: channel)
        }

        func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame {
            words.frame(for: publication, at: position, in: channel)
        }

        func frame(
            forMissed publication: Publication, at position: Position, in channel: ChannelName
        ) -> SharedFrame {
            missed.add(1, ordering: .relaxed)
            return words.frame(forMissed: publication, at: position, in: channel)
        }
    }

    @Test("An iteration makes so many deliveries and no more; the rest comes with the next ones, in order")
    func deliveries() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
        let recorders = try (0..<100).map { _ in
            let recorder = Recorder()
            _ = hub.subscribe(try channelName(), with: recorder, on: loop.shard)
            return recorder
        }
        loop.shard.drain()
        for number in 0..<400 { try hub.publish("\(number)", to: channelName()) }
        var drains = 0
        var before = loop.wakeUps
        repeat {
            before = loop.wakeUps
            let count = recorders[0].frames.count
            loop.shard.drain()
            #expect(recorders[0].frames.count - count <= 164)
            drains += 1
        } while loop.wakeUps > before
        #expect(drains == 3)
        #expect(loop.shard.statistics.mostDeliveries == 16_400)
        for recorder in recorders { #expect(recorder.texts == (0..<400).map { "\($0)" }) }
    }

    @Test("Frames of more than 1 MiB end an iteration, unless more waits than a mailbox holds")
    func bytes() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
        let recorder = Recorder()
        _ = hub.subscribe(try channelName(), with: recorder, on: loop.shard)
        loop.shard.drain()
        let text = String(repeating: "x", count: 1 << 20)
        for _ in 0..<3 { try hub.publish(text, to: channelName()) }
        loop.shard.drain()
        #expect(recorder.frames.count == 1)
        for _ in 0..<10 { try hub.publish(text, to: channelName()) }
        loop.shard.drain()
        #expect(recorder.frames.count > 2 && recorder.frames.count < 13)
    }

    @Test("Bytes count for each that they leave for: frames of 30 MB together end an iteration each")
    func outgoingBytes() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
        let recorders = try (0..<100).map { _ in
            let recorder = Recorder()
            _ = hub.subscribe(try channelName(), with: recorder, on: loop.shard)
            return recorder
        }
        loop.shard.drain()
        let text = String(repeating: "x", count: 300_000)
        for _ in 0..<4 { try hub.publish(text, to: channelName()) }
        for count in 1...4 {
            loop.shard.drain()
            for recorder in recorders { #expect(recorder.frames.count == count) }
        }
    }

    @Test(
        "A large frame waits until the loop has written the one before; short ones elsewhere do not, and order is kept")
    func largeFramesWait() throws {
        let isWriting = Atomic(true)
        let shard = Shard(wake: { _ in }, isWritingLargeMessages: { isWriting.load(ordering: .relaxed) })
        let hub = ChannelHub(encoder: WordEncoder())
        let (busy, quiet) = (Recorder(), Recorder())
        _ = hub.subscribe(try channelName("busy"), with: busy, on: shard)
        _ = hub.subscribe(try channelName("quiet"), with: quiet, on: shard)
        shard.drain()
        let text = String(repeating: "x", count: 70_000)
        try hub.publish(text, to: channelName("busy"))
        try hub.publish("behind it", to: channelName("busy"))
        for number in 0..<3 {
            try hub.publish("\(number)", to: channelName("quiet"))
            shard.drain()
        }
        #expect(busy.frames.isEmpty)
        #expect(quiet.take() == ["0", "1", "2"])
        isWriting.store(false, ordering: .relaxed)
        shard.drain()
        #expect(busy.take() == [text, "behind it"])
    }

    @Test("What is said in one channel does not wait for all that others are given in another")
    func turns() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
        let (busy, quiet) = (Recorder(), Recorder())
        _ = hub.subscribe(try channelName("busy"), with: busy, on: loop.shard)
        _ = hub.subscribe(try channelName("quiet"), with: quiet, on: loop.shard)
        loop.shard.drain()
        let text = String(repeating: "x", count: 200_000)
        for _ in 0..<30 { try hub.publish(text, to: channelName("busy")) }
        try hub.publish("behind all of it", to: channelName("quiet"))
        loop.shard.drain()
        try hub.publish("later", to: channelName("quiet"))
        loop.shard.drain()
        #expect(busy.frames.count < 15)
        #expect(quiet.take() == ["behind all of it", "later"])
        while busy.frames.count < 30 { loop.shard.drain() }
        #expect(busy.texts.count == 30)
    }

    @Test(
        "What is said now and then does not wait for a turn of each of two hundred channels that want as much as they get"
    )
    func modestChannels() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
        let quiet = Recorder()
        _ = hub.subscribe(try channelName("quiet"), with: quiet, on: loop.shard)
        let busy = try (0..<200).map { try channelName("busy-\($0)") }
        for name in busy { for _ in 0..<60 { _ = hub.subscribe(name, with: Recorder(), on: loop.shard) } }
        loop.shard.drain()
        for round in 0..<300 {
            // Each time more than an iteration does: 200 × 3 × 60.
            for name in busy { for _ in 0..<3 { hub.publish("much", to: name) } }
            loop.shard.drain()
            guard round >= 100, round.isMultiple(of: 4) else { continue }
            try hub.publish("\(round)", to: channelName("quiet"))
            loop.shard.drain()
            loop.shard.drain()
            #expect(quiet.take() == ["\(round)"])
        }
    }

    @Test("A long list of members is not made when the node has no room for it: the newcomer has to come back")
    func noRoom() throws {
        let budget = OutputBudget(bytes: 1_000_000)
        let loop = budget.join { _ in }
        let shard = Shard(outputBudget: budget, wake: { _ in })
        let encoder = CountingEncoder()
        let hub = ChannelHub(encoder: encoder)
        func join(_ name: String) throws -> Recorder {
            let recorder = Recorder()
            _ = try hub.join(channelName(), as: Profile(name), with: recorder, on: shard)
            shard.drain()
            return recorder
        }
        let first = try join(String(repeating: "x", count: 70_000))
        loop.publish(pending: 940_000, largest: 0)
        let second = try join("second")
        #expect(second.mustRecoverCount == 1 && second.frames.isEmpty)
        #expect(encoder.welcomes.load(ordering: .relaxed) == 1)
        loop.publish(pending: 0, largest: 0)
        let third = try join("third")
        #expect(third.mustRecoverCount == 0 && third.frames.count == 1)
        withExtendedLifetime(first) {}
    }

    @Test("Members that join together are listed once each, and each is welcomed with those before it")
    func joins() throws {
        let loop = ManualLoop()
        let encoder = CountingEncoder()
        let hub = ChannelHub(encoder: encoder)
        let members = try (0..<50).map { number in
            let recorder = Recorder()
            _ = try hub.join(channelName(), as: Profile("\(number)"), with: recorder, on: loop.shard)
            return recorder
        }
        // Nothing of a welcome is made before it can leave.
        #expect(encoder.welcomes.load(ordering: .relaxed) == 0)
        loop.shard.drain()
        #expect(encoder.listings.load(ordering: .relaxed) == 50)
        for (number, member) in members.enumerated() {
            let names = (0...number).map { "\($0)" }.joined(separator: " ")
            #expect(member.texts.first == "welcomed \(number): \(names)")
            #expect(member.frames.count == 50 - number)
        }
    }

    @Test("A member that changes again and again is told the roster once in an iteration, when its connection takes it")
    func changes() throws {
        let loop = ManualLoop()
        let encoder = CountingEncoder()
        let hub = ChannelHub(encoder: encoder)
        let (anna, ben) = (Recorder(), Recorder())
        let first = try hub.join(channelName(), as: Profile("anna"), with: anna, on: loop.shard)
        _ = try hub.join(channelName(), as: Profile("ben"), with: ben, on: loop.shard)
        loop.shard.drain()
        _ = (anna.take(), ben.take())
        for number in 0..<100 { first.update(Profile("\(number)")) }
        loop.shard.drain()
        #expect(anna.take() == ["welcomed 99: 99 ben"])
        #expect(ben.take().count == 200)
        #expect(encoder.welcomes.load(ordering: .relaxed) == 3)

        anna.takesMore = false
        first.update(Profile("late"))
        loop.shard.drain()
        #expect(anna.take() == [])
        first.update(Profile("later"))
        loop.shard.drain()
        anna.takesMore = true
        first.becameWritable()
        loop.shard.drain()
        #expect(anna.take() == ["welcomed later: later ben"])
        #expect(encoder.welcomes.load(ordering: .relaxed) == 4)

        let carl = Recorder()
        let third = try hub.join(channelName(), as: Profile("carl"), with: carl, on: loop.shard)
        third.update(Profile("charles"))
        loop.shard.drain()
        #expect(carl.take().filter { $0.hasPrefix("welcomed") } == ["welcomed carl: later ben carl"])
        loop.shard.drain()
        #expect(carl.take() == ["welcomed charles: later ben charles"])
    }

    @Test("Users that come together get one list, made once, and are told no change that it has")
    func lists() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let users = try (0..<50).map { number in
            let recorder = Recorder()
            recorder.connection = ConnectionID()
            _ = hub.subscribe(
                try channelName(), with: recorder, on: loop.shard,
                SubscriptionRequest(identity: Identity(id: Array("\(number)".utf8))))
            return recorder
        }
        loop.shard.drain()
        let forms = users.compactMap { $0.starts.first?.members?.form }
        #expect(forms.count == 50 && Set(forms.map { ObjectIdentifier($0) }).count == 1)
        for user in users {
            #expect(user.starts.first?.members?.members.count == 50)
            #expect(user.texts.filter { $0.hasPrefix("added") } == [])
        }
    }

    @Test("A list waits until the connection has taken what it was sent before; what comes meanwhile comes behind it")
    func postponed() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let (anna, ben) = (Recorder(), Recorder())
        (anna.connection, ben.connection) = (ConnectionID(), ConnectionID())
        anna.takesMore = false
        let request = { (user: String) in SubscriptionRequest(identity: Identity(id: Array(user.utf8))) }
        let subscription = hub.subscribe(try channelName(), with: anna, on: loop.shard, request("anna"))
        loop.shard.drain()
        _ = hub.subscribe(try channelName(), with: ben, on: loop.shard, request("ben"))
        hub.say("hello", to: try channelName())
        loop.shard.drain()
        #expect(anna.starts.isEmpty && anna.frames.isEmpty)
        anna.takesMore = true
        subscription.becameWritable()
        #expect(anna.starts.first?.members?.words == "anna ben")
        #expect(anna.take() == ["said hello"])
        hub.say("again", to: try channelName())
        loop.shard.drain()
        #expect(anna.take() == ["said again"])
    }

    @Test("What many have missed is encoded once, and not before the node has room for it")
    func replays() throws {
        let budget = OutputBudget(bytes: 100_000)
        let loop = budget.join { _ in }
        let shard = Shard(outputBudget: budget, wake: { _ in })
        let encoder = CountingEncoder()
        let hub = ChannelHub(engine: MemoryEngine(), encoder: encoder)
        let keeper = hub.subscribe(try channelName(), with: Recorder(), on: shard)
        for number in 0..<5 {
            hub.say("\(number)", to: try channelName(), keeping: Retention(publications: 10))
        }
        shard.drain()
        loop.publish(pending: 90_000, largest: 0)
        let readers = try (0..<40).map { _ in
            let reader = Recorder()
            _ = hub.subscribe(try channelName(), with: reader, on: shard, SubscriptionRequest(start: .newest(5)))
            return reader
        }
        shard.drain()
        #expect(encoder.missed.load(ordering: .relaxed) == 0)
        #expect(readers.allSatisfy { $0.starts.count == 1 && $0.frames.isEmpty })
        loop.publish(pending: 0, largest: 0)
        for _ in 0..<20 { shard.drain() }
        #expect(encoder.missed.load(ordering: .relaxed) == 5)
        for reader in readers { #expect(reader.frames.count == 5) }
        withExtendedLifetime(keeper) {}
    }

    /// A key that counts how often it was compared.
    private struct Key: Hashable, Sendable {
        static let comparisons = Atomic(0)
        let number: Int

        static func == (left: Self, right: Self) -> Bool {
            comparisons.add(1, ordering: .relaxed)
            return left.number == right.number
        }

        func hash(into hasher: inout Hasher) { hasher.combine(number) }
    }

    @Test("Four thousand connections of one user come and go with a few comparisons each")
    func smallTable() {
        var table = SmallTable<Key, Int>()
        for number in 0..<4_000 { table[Key(number: number)] = number }
        for number in 0..<4_000 {
            #expect(table[Key(number: number)] == number)
            table[Key(number: number)] = nil
        }
        #expect(table[Key(number: 1)] == nil)
        #expect(Key.comparisons.load(ordering: .relaxed) < 60_000)
    }
}
