import Channels
import Dispatch
import Testing

@Suite("The order of a channel on several threads", .timeLimit(.minutes(5)))
struct ChannelOrderTests {
    private struct LoopState {
        var recorders: [Recorder] = []
        var memberships: [Membership] = []
    }

    @Test("Under concurrent publishers every member on every shard gets the same order", arguments: [2, 4])
    func sameOrder(loopCount: Int) throws {
        let membersPerLoop = 3
        let messages = 2_000
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let name = try channelName()
        let loops = (0..<loopCount).map { QueueLoop("loop \($0)", LoopState()) }
        for loop in loops {
            try loop.run { state, shard in
                for _ in 0..<membersPerLoop {
                    let recorder = Recorder()
                    let membership = try hub.join(name, as: Profile("m"), with: recorder, on: shard)
                    state.recorders.append(recorder)
                    state.memberships.append(membership)
                }
            }
        }
        settle(loops)
        for loop in loops {
            loop.run { state, _ in for recorder in state.recorders { _ = recorder.take() } }
        }

        for number in 0..<messages {
            for (index, loop) in loops.enumerated() {
                loop.schedule { state, shard in
                    state.memberships[number % membersPerLoop].say("\(index) \(number)")
                    // Now and then, so that drains and publications of other threads meet.
                    if number % 16 == index { shard.drain() }
                }
            }
        }
        settle(loops)

        let received = loops.flatMap { loop in loop.run { state, _ in state.recorders.map(\.texts) } }
        let order = try #require(received.first)
        #expect(order.count == loopCount * messages)
        for other in received { #expect(other == order) }
        // What one thread said one after the other also stands so in the channel.
        for index in 0..<loopCount {
            let own = order.filter { $0.hasPrefix("said \(index) ") }
            #expect(own == (0..<messages).map { "said \(index) \($0)" })
        }
    }

    @Test(
        "Under concurrent publishers of three kinds members and subscribers on every shard get the same order",
        arguments: [2, 4])
    func sameOrderForAll(loopCount: Int) throws {
        struct State {
            var member = Recorder()
            var membership: Membership?
            var listeners = (0..<3).map { _ in Recorder() }
            var subscriptions: [Subscription] = []
        }
        let messages = 1_000
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let name = try channelName()
        let loops = (0..<loopCount).map { QueueLoop("loop \($0)", State()) }
        for loop in loops {
            try loop.run { state, shard in
                state.membership = try hub.join(name, as: Profile("m"), with: state.member, on: shard)
                state.subscriptions = state.listeners.map { hub.subscribe(name, with: $0, on: shard) }
            }
        }
        settle(loops)

        // Back ends publish on threads of their own, members on their loops', and loops for connections of theirs.
        let backEnds = (0..<2).map { QueueLoop("back end \($0)", 0) }
        for number in 0..<messages {
            for (index, backEnd) in backEnds.enumerated() {
                backEnd.schedule { _, _ in hub.publish("back end \(index) \(number)", to: name) }
            }
            for (index, loop) in loops.enumerated() {
                loop.schedule { state, shard in
                    state.membership?.say("member \(index) \(number)")
                    hub.publish("loop \(index) \(number)", to: name)
                    if number % 16 == index { shard.drain() }
                }
            }
        }
        for backEnd in backEnds { backEnd.run { _, _ in } }
        settle(loops)

        let received = loops.flatMap { loop in
            loop.run { state, _ in
                (state.listeners + [state.member]).map { recorder in
                    // Whoever came earlier also heard the others come.
                    recorder.texts.filter { !$0.hasPrefix("joined") && !$0.hasPrefix("welcomed") }
                }
            }
        }
        let order = try #require(received.first)
        #expect(order.count == (backEnds.count + 2 * loopCount) * messages)
        for other in received { #expect(other == order) }
        // What one thread published one after the other also stands so in the channel.
        let publishers =
            (0..<backEnds.count).map { "back end \($0)" }
            + (0..<loopCount).flatMap { ["said member \($0)", "loop \($0)"] }
        for publisher in publishers {
            let own = order.filter { $0.hasPrefix(publisher + " ") }
            #expect(own == (0..<messages).map { "\(publisher) \($0)" })
        }
    }

    @Test("First subscriptions and last leaves on several threads at once never lose a publication or a channel")
    func emptyAndRefillWithSubscribers() throws {
        let hub = ChannelHub(encoder: WordEncoder())
        let name = try channelName()
        let loops = (0..<4).map { QueueLoop("loop \($0)", [String]()) }
        for number in 0..<2_000 {
            for (index, loop) in loops.enumerated() {
                loop.schedule { failures, shard in
                    let recorder = Recorder()
                    let subscription = hub.subscribe(name, with: recorder, on: shard)
                    hub.publish("\(index) \(number)", to: name)
                    shard.drain()
                    if !recorder.texts.contains("\(index) \(number)") { failures.append("\(recorder.texts)") }
                    subscription.leave()
                }
            }
        }
        settle(loops)
        for loop in loops { #expect(loop.run { failures, _ in failures } == []) }
        #expect(hub.channelCount == 0)
    }

    @Test("Members that come and go get exactly what was said between, and welcome first", arguments: [2, 4])
    func comingAndGoing(loopCount: Int) throws {
        struct Churn {
            var witness: Recorder?
            var witnessMembership: Membership?
            var present: (Recorder, Membership)?
            var past: [[String]] = []
            var failures = 0
        }
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let name = try channelName()
        let loops = (0..<loopCount).map { QueueLoop("loop \($0)", Churn()) }
        for loop in loops {
            try loop.run { state, shard in
                let recorder = Recorder()
                state.witnessMembership = try hub.join(name, as: Profile("witness"), with: recorder, on: shard)
                state.witness = recorder
            }
        }
        settle(loops)

        for number in 0..<3_000 {
            for (index, loop) in loops.enumerated() {
                loop.schedule { state, shard in
                    state.witnessMembership?.say("\(index) \(number)")
                    guard number % 7 == index else { return }
                    shard.drain()
                    if let (recorder, membership) = state.present {
                        membership.leave()
                        state.past.append(recorder.texts)
                        state.present = nil
                    } else {
                        let recorder = Recorder()
                        if let membership = try? hub.join(name, as: Profile("guest"), with: recorder, on: shard) {
                            state.present = (recorder, membership)
                        } else {
                            state.failures += 1
                        }
                    }
                }
            }
        }
        settle(loops)

        let orders = loops.map { loop in
            loop.run { state, _ in (state.witness?.texts ?? []).filter { $0.hasPrefix("said") } }
        }
        let order = try #require(orders.first)
        #expect(order.count == loopCount * 3_000)
        for other in orders { #expect(other == order) }
        let position = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        var guests = 0
        for loop in loops {
            let (past, failures) = loop.run { state, _ in (state.past, state.failures) }
            #expect(failures == 0)
            for texts in past where !texts.isEmpty {
                #expect(texts.first?.hasPrefix("welcomed guest:") == true)
                let said = texts.filter { $0.hasPrefix("said") }
                guests += said.isEmpty ? 0 : 1
                guard let first = said.first, let start = position[first] else { continue }
                #expect(said == Array(order[start..<min(start + said.count, order.count)]))
            }
        }
        #expect(guests > loopCount * 100)
    }

    @Test("First joins and last leaves on several threads at once never lose a member or a channel")
    func emptyAndRefill() throws {
        let hub = ChannelHub(engine: MemoryEngine(), encoder: WordEncoder())
        let name = try channelName()
        let loops = (0..<4).map { QueueLoop("loop \($0)", [String]()) }
        for _ in 0..<2_000 {
            for loop in loops {
                loop.schedule { failures, shard in
                    let recorder = Recorder()
                    guard let membership = try? hub.join(name, as: Profile("m"), with: recorder, on: shard) else {
                        failures.append("not joined")
                        return
                    }
                    // Another thread may be about to open the channel at the engine: then it publishes.
                    let isPublished = DispatchSemaphore(value: 0)
                    membership.publish(Publication(data: Array("mine".utf8))) { _ in isPublished.signal() }
                    isPublished.wait()
                    shard.drain()
                    if recorder.texts.first?.hasPrefix("welcomed") != true || !recorder.texts.contains("said mine") {
                        failures.append("\(recorder.texts)")
                    }
                    membership.leave()
                }
            }
        }
        settle(loops)
        for loop in loops { #expect(loop.run { failures, _ in failures } == []) }
        #expect(hub.channelCount == 0)
    }
}
