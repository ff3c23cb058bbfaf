import Testing
import WebSocketCore

@testable import Channels

@Suite("What comes from outside while loops cannot keep up", .timeLimit(.minutes(5)))
struct DeliveryGateTests {
    /// What has passed, in order.
    private final class Log: Sendable {
        private let entries = Lock<[String]>([])

        var passed: [String] {
            entries.withLock { entries in
                defer { entries = [] }
                return entries
            }
        }

        func work(_ name: String) -> @Sendable () -> Void { { self.entries.withLock { $0.append(name) } } }
    }

    /// Iterations of one loop: it falls behind, stays so, catches up, and has nothing to do.
    private enum Iteration { case fallsBehind, isBehind, catchesUp, idles }

    private func ends(_ iteration: Iteration, _ gate: DeliveryGate) -> Bool {
        switch iteration {
        case .fallsBehind: gate.drained(isBehind: true, wasBehind: false)
        case .isBehind: gate.drained(isBehind: true, wasBehind: true)
        case .catchesUp: gate.drained(isBehind: false, wasBehind: true)
        case .idles: gate.drained(isBehind: false, wasBehind: false)
        }
    }

    @Test("It passes at once while all loops keep up, and waits while one does not")
    func passes() {
        let (gate, log) = (DeliveryGate(), Log())
        #expect(gate.pass(log.work("a")))
        #expect(log.passed == ["a"])
        #expect(!ends(.idles, gate))
        #expect(!ends(.fallsBehind, gate))
        #expect(gate.pass(log.work("b")))
        #expect(log.passed == [])
        // The first has its turn at once, the second after a while.
        #expect(gate.pass(log.work("c")))
        #expect(ends(.isBehind, gate))
        #expect(log.passed == ["b"])
        #expect((0..<31).allSatisfy { _ in ends(.isBehind, gate) })
        #expect(log.passed == [])
        #expect(!ends(.isBehind, gate))
        #expect(log.passed == ["c"])
    }

    @Test("When the last loop has caught up the rest passes a few at a time, and then everything at once again")
    func caughtUp() {
        let (gate, log) = (DeliveryGate(), Log())
        _ = ends(.fallsBehind, gate)
        _ = ends(.fallsBehind, gate)
        for number in 0..<10 { #expect(gate.pass(log.work("\(number)"))) }
        #expect(!ends(.catchesUp, gate), "the other one serves what waits")
        #expect((0..<1_000).allSatisfy { _ in !ends(.idles, gate) })
        #expect(log.passed == [], "the turns of an idle loop count for nothing")
        #expect(ends(.isBehind, gate))
        #expect(log.passed == ["0"])
        var rounds = 0
        var isWaiting = ends(.catchesUp, gate)
        while isWaiting {
            isWaiting = ends(.idles, gate)
            rounds += 1
        }
        #expect(rounds == 8)
        #expect(log.passed == (1..<10).map { "\($0)" })
        #expect(gate.pass(log.work("at once")))
        #expect(log.passed == ["at once"])
    }

    @Test("Many requests are refused what is too much, and nothing that waits is lost")
    func refused() {
        let (gate, log) = (DeliveryGate(), Log())
        _ = ends(.fallsBehind, gate)
        let taken = (0..<100).count { gate.pass(log.work("\($0)")) }
        #expect(taken == DeliveryGate.maximumWaiting)
        _ = ends(.isBehind, gate)
        #expect(log.passed == ["0"])
        _ = ends(.catchesUp, gate)
        while ends(.idles, gate) {}
        #expect(log.passed == (1..<taken).map { "\($0)" })
    }

    @Test("Only the gate of a hub closes for which more waits than four iterations do")
    func onlyItsOwn() throws {
        let loop = ManualLoop()
        let hubs = (0..<3).map { _ in ChannelHub(encoder: WordEncoder(), gate: DeliveryGate()) }
        let quiet = Recorder()
        // One with much to do, one with less, and one with a message now and then.
        for _ in 0..<100 { _ = hubs[0].subscribe(try channelName(), with: Recorder(), on: loop.shard) }
        for _ in 0..<100 { _ = hubs[1].subscribe(try channelName(), with: Recorder(), on: loop.shard) }
        _ = hubs[2].subscribe(try channelName(), with: quiet, on: loop.shard)
        loop.shard.drain()
        for _ in 0..<3_000 { try hubs[0].publish("much", to: channelName()) }
        for _ in 0..<150 { try hubs[1].publish("less", to: channelName()) }
        try hubs[2].publish("hello", to: channelName())
        loop.shard.drain()
        #expect(hubs.map { $0.gate?.isOpen } == [false, true, true])
        loop.shard.drain()
        #expect(quiet.take() == ["hello"])
        var drains = 2
        while hubs[0].gate?.isOpen == false {
            loop.shard.drain()
            drains += 1
            #expect(drains < 100)
            #expect(hubs[1].gate?.isOpen == true && hubs[2].gate?.isOpen == true)
        }
        #expect(drains > 4)
        // It closes again, and it is not the others' work that opens it.
        for _ in 0..<3_000 { try hubs[0].publish("much", to: channelName()) }
        for _ in 0..<2 { loop.shard.drain() }
        #expect(hubs[0].gate?.isOpen == false)
        let before = loop.wakeUps
        while loop.wakeUps < before + 1_000, hubs[0].gate?.isOpen == false { loop.shard.drain() }
        #expect(hubs[0].gate?.isOpen == true)
    }

    @Test("A thousand that come to one channel close no gate: each counts as one delivery")
    func newcomers() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder(), gate: DeliveryGate())
        for _ in 0..<1_000 { _ = hub.subscribe(try channelName(), with: Recorder(), on: loop.shard) }
        loop.shard.drain()
        // What fills the iteration, so that those behind it have to wait.
        for _ in 0..<17 { try hub.publish("much", to: channelName()) }
        for _ in 0..<1_000 { _ = hub.subscribe(try channelName(), with: Recorder(), on: loop.shard) }
        loop.shard.drain()
        #expect(hub.gate?.isOpen == true)
    }

    @Test("On several threads everything passes exactly once")
    func threads() async {
        let (gate, log) = (DeliveryGate(), Log())
        let refused = await withTaskGroup(of: Int.self) { group in
            for owner in 0..<4 {
                group.addTask { (0..<2_000).count { !gate.pass(log.work("\(owner) \($0)")) } }
            }
            group.addTask {
                for turn in 0..<4_000 {
                    let isBehind = turn % 8 < 4
                    _ = gate.drained(isBehind: isBehind, wasBehind: turn > 0 && (turn - 1) % 8 < 4)
                }
                return 0
            }
            return await group.reduce(0, +)
        }
        while gate.drained(isBehind: false, wasBehind: false) {}
        let passed = log.passed
        #expect(passed.count == 8_000 - refused)
        #expect(Set(passed).count == passed.count)
    }
}
