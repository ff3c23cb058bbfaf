import Testing
import WebSocketCore

@testable import Reactor

@Suite("The reactor's timer wheel, on a virtual clock", .timeLimit(.minutes(5)))
struct TimerWheelTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    /// A loop that never runs, with so many slots that hold nothing.
    private func slots(_ count: Int) throws -> (ReactorLoop, [SlotHandle]) {
        let loop = try ReactorLoop(loops: 1)
        let rules = ConnectionRules(role: .server, limits: ConnectionLimits())
        let slots = (0..<count).map { _ in
            loop.slab.insert { index in
                Slot(
                    machine: ConnectionStateMachine(rules: rules, now: at(0)), session: nil, connection: nil,
                    extras: nil, output: nil, tick: loop.tickOutput, descriptor: -1, index: index, next: Slab.none,
                    previous: Slab.none, timerList: TimerWheel.unlisted, flags: [])
            }
        }
        return (loop, slots)
    }

    private func due(_ wheel: inout TimerWheel, _ now: UInt64) -> [UInt32] {
        var indices: [UInt32] = []
        while let slot = wheel.popDue(now: at(now)) { indices.append(slot.pointee.index) }
        return indices.sorted()
    }

    @Test("A deadline is met within a tenth of a second, and never early")
    func deadlines() throws {
        let (loop, slots) = try slots(3)
        defer { for slot in slots { loop.slab.release(slot) } }
        var wheel = TimerWheel(slab: loop.slab, now: at(0))
        #expect(wheel.wait(now: at(0)) == nil)
        wheel.schedule(slots[0], at: at(250), now: at(0))
        wheel.schedule(slots[1], at: at(1_000), now: at(0))
        wheel.schedule(slots[2], at: at(250), now: at(0))
        #expect(due(&wheel, 249).isEmpty)
        #expect(due(&wheel, 350) == [0, 2])
        #expect(wheel.wait(now: at(350)).map { (1...750).contains($0) } == true)
        #expect(due(&wheel, 1_100) == [1])
        #expect(wheel.wait(now: at(1_100)) == nil)
    }

    @Test("Whatever is scheduled, moved and removed, everybody is told once, at the right time")
    func model() throws {
        let count = 60
        let (loop, slots) = try slots(count)
        defer { for slot in slots { loop.slab.release(slot) } }
        var wheel = TimerWheel(slab: loop.slab, now: at(0))
        var expected: [UInt32: UInt64] = [:]
        var state: UInt64 = 42
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var now: UInt64 = 0
        for _ in 0..<20_000 {
            let slot = slots[Int(random(UInt64(count)))]
            switch random(4) {
            case 0:
                wheel.remove(slot)
                expected[slot.pointee.index] = nil
            case 1, 2:
                // Within the wheel's horizon: beyond it the edge is looked at first.
                let deadline = now + random(50_000)
                wheel.schedule(slot, at: at(deadline), now: at(now))
                expected[slot.pointee.index] = deadline
                #expect(wheel.isScheduled(slot, by: at(deadline)))
                #expect(wheel.isScheduled(slot, by: at(deadline + 60_000)))
            default:
                now += random(3_000)
                for index in due(&wheel, now) {
                    let removed = expected.removeValue(forKey: index)
                    let deadline = try #require(removed)
                    #expect(deadline <= now)
                }
                for deadline in expected.values { #expect(deadline + 200 > now) }
            }
        }
    }

    @Test("A deadline beyond the horizon is looked at again at its edge")
    func horizon() throws {
        let (loop, slots) = try slots(1)
        defer { for slot in slots { loop.slab.release(slot) } }
        var wheel = TimerWheel(slab: loop.slab, now: at(0))
        wheel.schedule(slots[0], at: at(3_600_000), now: at(0))
        #expect(due(&wheel, 50_000).isEmpty)
        #expect(due(&wheel, 60_000) == [0])
    }
}
