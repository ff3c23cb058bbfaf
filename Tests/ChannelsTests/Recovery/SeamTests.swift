import Testing

@testable import Channels

@Suite("The seam between what is replayed and what is live", .timeLimit(.minutes(5)))
struct SeamTests {
    private let loop = ManualLoop()
    private let engine = ScriptedEngine()
    private let hub: ChannelHub
    private let listener = Recorder()

    init() { hub = ChannelHub(engine: engine, encoder: WordEncoder()) }

    private func position(_ offset: UInt64, epoch: UInt64 = 7) -> Position {
        Position(epoch: Epoch(rawValue: epoch), offset: offset)
    }

    private func subscribe(_ request: SubscriptionRequest) throws -> Subscription {
        hub.subscribe(try channelName(), with: listener, on: loop.shard, request)
    }

    /// Publishes and tells.
    private func publish(_ text: String) {
        engine.append(text)
        engine.tell(engine.top.offset)
    }

    private func fill(_ count: Int) { for number in 1...count { engine.append("p\(number)") } }

    @Test("A plain subscription starts when the engine has opened the channel, and what came before then follows")
    func plain() throws {
        let subscription = try subscribe(SubscriptionRequest())
        publish("early")
        loop.shard.drain()
        #expect(listener.starts.isEmpty)
        #expect(!subscription.hasStarted)
        engine.settle(loop)
        #expect(listener.starts.map(\.recovery) == [.none])
        #expect(subscription.hasStarted)
        // The top that the channel was opened at covers what was told before.
        #expect(listener.texts.isEmpty)
        publish("late")
        loop.shard.drain()
        #expect(listener.texts == ["said late"])
    }

    @Test("Another one in an open channel starts at once")
    func second() throws {
        _ = try subscribe(SubscriptionRequest())
        engine.settle(loop)
        let other = Recorder()
        _ = hub.subscribe(try channelName(), with: other, on: loop.shard)
        #expect(other.starts.map(\.recovery) == [.none])
    }

    @Test("Who comes back gets what was missed, then what is live, once and in order, whenever live ones come")
    func everyMoment() throws {
        // One publication at each moment between the engine's answers and the loop's turns.
        for moment in 0..<8 {
            let loop = ManualLoop()
            let engine = ScriptedEngine()
            let hub = ChannelHub(engine: engine, encoder: WordEncoder())
            let listener = Recorder()
            for number in 1...4 { engine.append("p\(number)") }
            _ = hub.subscribe(
                try channelName(), with: listener, on: loop.shard, SubscriptionRequest(start: .after(position(2))))
            for step in 0..<8 {
                if step == moment {
                    engine.append("live")
                    engine.tell(5)
                }
                if step % 2 == 0 { engine.answer() } else { loop.shard.drain() }
            }
            engine.settle(loop)
            engine.append("last")
            engine.tell(6)
            loop.shard.drain()
            let offsets = listener.texts.compactMap { $0.split(separator: " ").last.map { String($0) } }
            #expect(offsets == ["3", "4", "5", "6"], "a publication at moment \(moment)")
            #expect(listener.framesBeforeStart == [0])
            guard case .recovered? = listener.starts.first?.recovery else {
                Issue.record("not recovered at moment \(moment)")
                continue
            }
        }
    }

    @Test("What is not kept any more is told as a gap, and nothing of it is replayed")
    func gap() throws {
        fill(9)
        engine.oldest = 6
        _ = try subscribe(SubscriptionRequest(start: .after(position(3))))
        engine.settle(loop)
        #expect(listener.starts.map(\.recovery) == [.lost(Gap(from: 4, to: 9, oldest: 6), position(9))])
        #expect(listener.texts.isEmpty)
        publish("live")
        loop.shard.drain()
        #expect(listener.texts == ["said live at 10"])
    }

    @Test("The last position that is kept without a gap is still recovered")
    func edgeOfTheWindow() throws {
        fill(9)
        engine.oldest = 6
        _ = try subscribe(SubscriptionRequest(start: .after(position(5))))
        engine.settle(loop)
        #expect(listener.starts.map(\.recovery) == [.recovered(position(9))])
        #expect(listener.texts == (6...9).map { "missed p\($0) at \($0)" })
    }

    @Test("A position of another epoch, of the future or of no log is lost without a gap", arguments: 0..<3)
    func foreignPosition(which: Int) throws {
        fill(3)
        let foreign = [position(2, epoch: 8), position(4), nil][which]
        _ = try subscribe(SubscriptionRequest(start: .after(foreign)))
        engine.settle(loop)
        #expect(listener.starts.map(\.recovery) == [.lost(nil, position(3))])
    }

    @Test("Who asks for positions from here on is told the top and gets the next one with its own")
    func here() throws {
        fill(3)
        _ = try subscribe(SubscriptionRequest(start: .here))
        engine.settle(loop)
        #expect(listener.starts.map(\.recovery) == [.recovered(position(3))])
        publish("live")
        loop.shard.drain()
        #expect(listener.texts == ["said live at 4"])
    }

    @Test("The newest ones are had by who asks for them, without a position")
    func newest() throws {
        fill(9)
        _ = try subscribe(SubscriptionRequest(start: .newest(2)))
        engine.settle(loop)
        #expect(listener.texts == ["missed p8 at 8", "missed p9 at 9"])
        #expect(listener.starts.map(\.recovery) == [.recovered(position(9))])
    }

    @Test("A long replay is read by pages of 300, and waits for a connection that does not keep up")
    func pages() throws {
        fill(700)
        let subscription = try subscribe(SubscriptionRequest(start: .after(position(0))))
        listener.afterDelivery = { [unowned listener] in listener.takesMore = listener.frames.count != 300 }
        engine.settle(loop)
        #expect(listener.frames.count == 300)
        publish("live")
        engine.settle(loop)
        #expect(listener.frames.count == 300)
        listener.afterDelivery = nil
        listener.takesMore = true
        subscription.becameWritable()
        engine.settle(loop)
        #expect(listener.texts == (1...700).map { "missed p\($0) at \($0)" } + ["said live at 701"])
        #expect(
            engine.calls.filter { $0.hasPrefix("history") } == ["history 0 300", "history 300 300", "history 600 300"])
    }

    @Test("A replay whose rest has been dropped meanwhile ends the subscription: come back and be told")
    func overtaken() throws {
        fill(700)
        let subscription = try subscribe(SubscriptionRequest(start: .after(position(0))))
        listener.afterDelivery = { [unowned listener] in listener.takesMore = listener.frames.count != 300 }
        engine.settle(loop)
        engine.oldest = 400
        listener.afterDelivery = nil
        listener.takesMore = true
        subscription.becameWritable()
        engine.settle(loop)
        #expect(listener.frames.count == 300)
        #expect(listener.mustRecoverCount == 1)
        publish("live")
        loop.shard.drain()
        #expect(listener.frames.count == 300)
        #expect(hub.channelCount == 0)
    }

    @Test("More than the gate holds ends the subscription: come back and recover")
    func overflow() throws {
        _ = try subscribe(SubscriptionRequest())
        engine.settle(loop)
        let late = Recorder()
        _ = hub.subscribe(try channelName(), with: late, on: loop.shard, SubscriptionRequest(start: .here))
        for number in 0...Gate.maximumHeld { publish("\(number)") }
        loop.shard.drain()
        #expect(late.mustRecoverCount == 1)
        #expect(late.frames.isEmpty)
        engine.settle(loop)
        #expect(late.starts.isEmpty)
        #expect(listener.frames.count == Gate.maximumHeld + 1)
    }

    @Test("A loss on the way to the node is told to those that know positions, and the stream goes on")
    func lossWhileLive() throws {
        fill(2)
        _ = try subscribe(SubscriptionRequest(start: .here))
        engine.settle(loop)
        for number in 3...6 { engine.append("p\(number)") }
        engine.oldest = 5
        engine.tell(6)
        engine.settle(loop)
        #expect(listener.texts == ["lost 3-4, kept from 5 up to 4", "said p5 at 5", "said p6 at 6"])
    }

    @Test("A hole in what is told is filled from the log")
    func hole() throws {
        _ = try subscribe(SubscriptionRequest(start: .here))
        engine.settle(loop)
        for number in 1...3 { engine.append("p\(number)") }
        engine.tell(3)
        engine.settle(loop)
        #expect(listener.texts == ["said p1 at 1", "said p2 at 2", "said p3 at 3"])
    }

    @Test("With an engine that may lose things, the last one that was lost is found by the tick")
    func tick() throws {
        _ = try subscribe(SubscriptionRequest(start: .here))
        engine.settle(loop)
        engine.append("lost on the way")
        hub.tick()
        engine.settle(loop)
        #expect(listener.texts == ["said lost on the way at 1"])
    }

    @Test("Another log is told, and what follows is of that one")
    func anotherLog() throws {
        fill(3)
        _ = try subscribe(SubscriptionRequest(start: .here))
        engine.settle(loop)
        engine.epoch = Epoch(rawValue: 8)
        engine.log = ["new"]
        engine.sink?.interrupted()
        engine.settle(loop)
        #expect(listener.texts == ["lost all up to 0", "said new at 1"])
        publish("next")
        engine.settle(loop)
        #expect(listener.texts.last == "said next at 2")
    }

    @Test("An engine that can not be reached refuses the subscription, and the next one tries again")
    func unavailable() throws {
        engine.failure = .unavailable
        _ = try subscribe(SubscriptionRequest(start: .here))
        engine.settle(loop)
        #expect(listener.refusals == [.unavailable])
        #expect(hub.channelCount == 0)
        engine.failure = nil
        _ = try subscribe(SubscriptionRequest(start: .here))
        engine.settle(loop)
        #expect(listener.starts.count == 1)
    }

    @Test("The connection that a publication leaves out gets its position only, if it knows positions")
    func excluded() throws {
        let engine = MemoryEngine()
        let hub = ChannelHub(engine: engine, encoder: WordEncoder())
        let (plain, positioned, other) = (Recorder(), Recorder(), Recorder())
        let connection = ConnectionID()
        (plain.connection, positioned.connection) = (connection, connection)
        let name = try channelName()
        _ = hub.subscribe(name, with: plain, on: loop.shard)
        _ = hub.subscribe(name, with: positioned, on: loop.shard, SubscriptionRequest(start: .here))
        _ = hub.subscribe(name, with: other, on: loop.shard)
        hub.say("hello", to: name, except: connection)
        loop.shard.drain()
        #expect(plain.texts.isEmpty)
        #expect(positioned.texts == ["position 1"])
        #expect(other.texts == ["said hello"])
    }

    @Test("The gate goes when the subscription has caught up, so that an idle one costs nothing")
    func gateGoes() throws {
        fill(3)
        let subscription = try subscribe(SubscriptionRequest(start: .after(position(1))))
        engine.settle(loop)
        #expect(subscription.seat.gate == nil)
    }

    @Test("Members: the snapshot comes first, changes that it contains are not told, later ones are")
    func presence() throws {
        let engine = MemoryEngine()
        let hub = ChannelHub(engine: engine, encoder: WordEncoder())
        let name = try channelName()
        func enter(_ recorder: Recorder, _ id: String) -> Subscription {
            recorder.connection = ConnectionID()
            let identity = Identity(id: Array(id.utf8))
            return hub.subscribe(name, with: recorder, on: loop.shard, SubscriptionRequest(identity: identity))
        }
        let (anna, ben, second) = (Recorder(), Recorder(), Recorder())
        _ = enter(anna, "anna")
        loop.shard.drain()
        let bens = enter(ben, "ben")
        let bensSecond = enter(second, "ben")
        loop.shard.drain()
        #expect(anna.starts.map { $0.members?.words } == ["anna"])
        #expect(ben.starts.map { $0.members?.words } == ["anna ben"])
        #expect(second.starts.map { $0.members?.words } == ["anna ben"])
        #expect(anna.texts == ["added ben"])
        #expect(ben.texts.isEmpty)
        bens.leave()
        loop.shard.drain()
        #expect(anna.texts == ["added ben"])
        bensSecond.leave()
        loop.shard.drain()
        #expect(anna.texts == ["added ben", "removed ben"])
    }

    @Test("Who leaves before the engine has made it present is taken back")
    func leavesWhileEntering() throws {
        listener.connection = ConnectionID()
        let subscription = try subscribe(SubscriptionRequest(identity: Identity(id: Array("anna".utf8))))
        engine.answer()  // the channel is open, and the engine was asked to enter
        #expect(engine.calls.contains("enter"))
        subscription.leave()
        #expect(!engine.calls.contains("leave"))
        engine.settle(loop)
        #expect(engine.calls.filter { $0 == "leave" }.count == 1)
        #expect(listener.starts.isEmpty)
    }

    @Test("Missed changes of members are made up by telling all of them again")
    func membersAgain() throws {
        listener.connection = ConnectionID()
        _ = try subscribe(SubscriptionRequest(identity: Identity(id: Array("anna".utf8))))
        engine.settle(loop)
        engine.members.append(Identity(id: Array("ben".utf8)))
        engine.version = 3
        engine.sink?.presenceChanged(
            PresenceChange(kind: .joined, identity: Identity(id: Array("ben".utf8)), version: 3))
        engine.settle(loop)
        #expect(listener.texts == ["members anna ben"])
    }

    /// Anna and Ben enter at the same time, and Ben's answer overtakes hers, which does not know him.
    private func enterOvertaken() throws -> Recorder {
        let (anna, ben) = (listener, Recorder())
        anna.connection = ConnectionID()
        ben.connection = ConnectionID()
        _ = try subscribe(SubscriptionRequest(identity: Identity(id: Array("anna".utf8))))
        let identity = Identity(id: Array("ben".utf8))
        _ = hub.subscribe(
            try channelName(), with: ben, on: loop.shard, SubscriptionRequest(identity: identity))
        engine.answer()  // the channel is open, and both ask to enter
        engine.answer(1)
        engine.answer()
        for (number, member) in engine.members.enumerated() {
            engine.sink?.presenceChanged(
                PresenceChange(kind: .joined, identity: member, version: UInt64(number) + 1))
        }
        return ben
    }

    @Test("Subscriptions that begin together get the newest list of members, and the list again when one was overtaken")
    func overtakenMembers() throws {
        let ben = try enterOvertaken()
        engine.settle(loop)
        #expect(listener.starts.map { $0.members?.words } == ["anna ben"])
        #expect(ben.starts.map { $0.members?.words } == ["anna ben"])
        #expect(listener.texts == ["members anna ben"])
    }

    @Test("Who was told an older list of members is not told that somebody has left who is not in it")
    func overtakenMembersChange() throws {
        _ = try enterOvertaken()
        let identity = engine.members.removeLast()
        engine.version = 3
        engine.sink?.presenceChanged(PresenceChange(kind: .left, identity: identity, version: 3))
        engine.settle(loop)
        #expect(listener.texts == ["members anna"])
    }
}
