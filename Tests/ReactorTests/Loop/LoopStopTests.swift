import Testing
import WebSocketCore

@testable import Reactor

@Suite("A reactor's loop that stops, on a clock that a test moves", .timeLimit(.minutes(5)))
struct LoopStopTests {
    private let farewell = Farewell(CloseFrame(code: .goingAway, reason: "bye"), within: .seconds(4))

    @Test("Those with a stop code of their own are closed one after the other, so that they do not come back at once")
    func inTurn() throws {
        var limits = ConnectionLimits.calm
        limits.stopCode = CloseCode(rawValue: 4100)
        try withSteppedLoop { [limits] loop in
            let open = (0..<300).map { _ in loop.connection(limits: limits) }
            let other = loop.connection()
            loop.loop.stop(farewell)
            loop.run()
            #expect(other.frames() == [.close(1001, "bye")])
            let told = open.count { $0.frames() == [.close(4100, "bye")] }
            #expect((50...150).contains(told), "\(told)")
            loop.advance(600)
            #expect(open.count { $0.frames() == [.close(4100, "bye")] } == 300 - told)
        }
    }

    @Test("One that comes while it stops is told so")
    func late() throws {
        try withSteppedLoop { loop in
            loop.loop.stop(farewell)
            #expect(loop.connection().frames() == [.close(1001, "bye")])
        }
    }
}
