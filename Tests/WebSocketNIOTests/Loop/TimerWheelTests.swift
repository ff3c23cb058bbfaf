import NIOEmbedded
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("The timer wheel", .timeLimit(.minutes(5)))
struct TimerWheelTests {
    private let context = LoopContext.embedded(EmbeddedEventLoop())

    private func handler() -> FrameHandler {
        FrameHandler(role: .server, loop: context, limits: .wide, codecs: nil, session: WebSocketSession())
    }

    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    @Test("A deadline is met in its slot or the next, never early", arguments: [0, 1, 99, 100, 101, 5_000, 51_000])
    func due(_ deadline: UInt64) {
        var wheel = TimerWheel()
        let handler = handler()
        wheel.schedule(handler, at: at(deadline), now: at(0))
        #expect(!wheel.isEmpty)
        if deadline > 0 { #expect(wheel.advance(to: at(deadline - 1)).isEmpty) }
        #expect(wheel.advance(to: at(deadline)).isEmpty || deadline % TimerWheel.resolution == 0)
        #expect(wheel.advance(to: at(deadline + 2 * TimerWheel.resolution)).count == 1)
        #expect(wheel.isEmpty)
        #expect(handler.timerPosition == nil)
    }

    @Test("One that lies beyond the horizon comes back at the edge, to be looked at again")
    func horizon() {
        var wheel = TimerWheel()
        let handler = handler()
        wheel.schedule(handler, at: at(.max), now: at(0))
        #expect(wheel.advance(to: at(51_000)).isEmpty)
        #expect(wheel.advance(to: at(51_200)).count == 1)
    }

    @Test("One that has passed already is due at the next turn")
    func past() {
        var wheel = TimerWheel()
        wheel.schedule(handler(), at: at(10), now: at(100_000))
        #expect(wheel.advance(to: at(100_100)).count == 1)
    }

    @Test("After a long absence everybody who was due is found, once")
    func longAbsence() {
        var wheel = TimerWheel()
        let handlers = (0..<50).map { _ in handler() }
        for (index, handler) in handlers.enumerated() {
            wheel.schedule(handler, at: at(UInt64(index) * 1_000), now: at(0))
        }
        let due = wheel.advance(to: at(10_000_000))
        #expect(Set(due.map { ObjectIdentifier($0) }).count == 50)
        #expect(due.count == 50)
        #expect(wheel.isEmpty)
        wheel.schedule(handlers[0], at: at(10_000_300), now: at(10_000_000))
        #expect(wheel.advance(to: at(10_000_500)).count == 1)
    }

    @Test("Scheduling again moves, removing removes, and both keep the others in their place")
    func againstModel() {
        var wheel = TimerWheel()
        var random = SplitMix(seed: 7)
        let handlers = (0..<40).map { _ in handler() }
        var model: [ObjectIdentifier: UInt64] = [:]
        var now: UInt64 = 0
        for _ in 0..<5_000 {
            let handler = handlers[Int.random(in: 0..<40, using: &random)]
            let id = ObjectIdentifier(handler)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let deadline = now + UInt64.random(in: 0...(Bool.random(using: &random) ? 300 : 40_000), using: &random)
                wheel.schedule(handler, at: at(deadline), now: at(now))
                model[id] = deadline
            case 5..<7:
                wheel.remove(handler)
                model[id] = nil
            default:
                now += UInt64.random(in: 0...1_000, using: &random)
                for due in wheel.advance(to: at(now)) {
                    let deadline = model.removeValue(forKey: ObjectIdentifier(due))
                    #expect(deadline.map { $0 <= now } == true)
                }
                #expect(model.values.allSatisfy { $0 + 2 * TimerWheel.resolution > now })
            }
            #expect(Set(wheel.all.map { ObjectIdentifier($0) }) == Set(model.keys))
            #expect(wheel.all.count == model.count)
            #expect(wheel.isEmpty == model.isEmpty)
        }
    }
}
