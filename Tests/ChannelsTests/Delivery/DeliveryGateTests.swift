import Testing
import WebSocketCore

@testable import Channels

@Suite("What comes from outside while loops cannot keep up")
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

    @Test("It passes at once while all loops keep up, and waits while one does not")
    func passes() {
        let (gate, log) = (DeliveryGate(), Log())
        #expect(gate.pass(0, log.work("a")))
        #expect(log.passed == ["a"])
        #expect(!gate.drained(0))
        #expect(!gate.drained(1))
        #expect(gate.pass(0, log.work("b")))
        #expect(log.passed == [])
        // The first of an owner has its turn at once, the second after a while.
        #expect(gate.pass(0, log.work("c")))
        #expect(gate.drained(0))
        #expect(log.passed == ["b"])
        #expect((0..<31).allSatisfy { _ in gate.drained(0) })
        #expect(log.passed == [])
        #expect(!gate.drained(0))
        #expect(log.passed == ["c"])
    }

    @Test("When the last loop has caught up the rest passes a few at a time, and then everything at once again")
    func caughtUp() {
        let (gate, log) = (DeliveryGate(), Log())
        _ = gate.drained(1)
        _ = gate.drained(1)
        for number in 0..<10 { #expect(gate.pass(0, log.work("\(number)"))) }
        #expect(gate.drained(-1))
        #expect(log.passed == ["0"])
        var rounds = 0
        var isWaiting = gate.drained(-1)
        while isWaiting {
            isWaiting = gate.drained(0)
            rounds += 1
        }
        #expect(rounds == 8)
        #expect(log.passed == (1..<10).map { "\($0)" })
        #expect(gate.pass(0, log.work("at once")))
        #expect(log.passed == ["at once"])
    }

    @Test("One app with many requests delays no other one's, and is refused what is too much")
    func owners() {
        let (gate, log) = (DeliveryGate(), Log())
        _ = gate.drained(1)
        let taken = (0..<100).count { gate.pass(0, log.work("first \($0)")) }
        #expect(taken == DeliveryGate.maximumWaiting)
        _ = gate.drained(0)
        #expect(log.passed == ["first 0"])
        #expect(gate.pass(1, log.work("second")))
        _ = gate.drained(0)
        #expect(log.passed == ["second"])
        // Nothing that waits is lost.
        _ = gate.drained(-1)
        while gate.drained(0) {}
        #expect(log.passed == (1..<taken).map { "first \($0)" })
    }

    @Test("On several threads everything passes exactly once")
    func threads() async {
        let (gate, log) = (DeliveryGate(), Log())
        let refused = await withTaskGroup(of: Int.self) { group in
            for owner in 0..<4 {
                group.addTask { (0..<2_000).count { !gate.pass(owner, log.work("\(owner) \($0)")) } }
            }
            group.addTask {
                for turn in 0..<4_000 { _ = gate.drained(turn % 8 == 0 ? 1 : turn % 8 == 4 ? -1 : 0) }
                return 0
            }
            return await group.reduce(0, +)
        }
        while gate.drained(0) {}
        let passed = log.passed
        #expect(passed.count == 8_000 - refused)
        #expect(Set(passed).count == passed.count)
    }
}
