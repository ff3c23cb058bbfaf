import Testing
import WebSocketCore

@Suite("What connections are told when the server stops", .timeLimit(.minutes(5)))
struct FarewellTests {
    private let frame = CloseFrame(code: .goingAway, reason: "bye")
    private let everybody = ConnectionLimits()
    private let own: ConnectionLimits = {
        var limits = ConnectionLimits()
        limits.stopCode = CloseCode(rawValue: 4100)
        return limits
    }()

    @Test("Everybody gets the server's code at once; who has a code of its own gets that, in turn")
    func codes() {
        let farewell = Farewell(frame, within: .seconds(4))
        #expect(farewell.spread == 2_000)
        #expect(farewell.frame(for: everybody) == frame)
        #expect(farewell.frame(for: own) == CloseFrame(code: CloseCode(rawValue: 4100), reason: "bye"))
        #expect(farewell.delay(for: everybody, number: 5_000, of: 10_000) == 0)
    }

    @Test("A thousand a second are told, or as many as half the time allows", arguments: [10, 1_000, 2_000, 50_000])
    func spread(_ count: Int) {
        let farewell = Farewell(frame, within: .seconds(4))
        let delays = (0..<count).map { farewell.delay(for: own, number: $0, of: count) }
        #expect(delays == delays.sorted())
        #expect(delays.first == 0)
        #expect(delays.last.map { Int($0) } == min(count - 1, 2_000 * (count - 1) / count))
    }

    @Test("No time, and no sense, is no delay")
    func edges() {
        #expect(Farewell(frame).delay(for: own, number: 9, of: 10) == 0)
        #expect(Farewell(frame, within: .seconds(-4)).delay(for: own, number: 9, of: 10) == 0)
        #expect(Farewell(frame, within: .seconds(Int64.max)).spread == 1_800_000)
        #expect(Farewell(frame, within: .seconds(4)).delay(for: own, number: -1, of: 0) == 0)
        #expect(Farewell(frame, within: .seconds(4)).delay(for: own, number: .max, of: 1) == 0)
    }
}
