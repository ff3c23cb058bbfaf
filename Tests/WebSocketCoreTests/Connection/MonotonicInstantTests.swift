import Testing
import WebSocketCore

@Suite("The clock that is passed in", .timeLimit(.minutes(5)))
struct MonotonicInstantTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    @Test("Points in time are ordered, and the time between them is never negative")
    func order() {
        #expect(at(1) < at(2) && !(at(2) < at(2)) && max(at(3), at(2)) == at(3))
        #expect(at(5).since(at(2)) == 3)
        #expect(at(2).since(at(5)) == 0)
        #expect(at(5).since(at(5)) == 0)
    }

    @Test("A point too far away is the end of time, not an overflow")
    func endOfTime() {
        #expect(at(5).advanced(by: 7) == at(12))
        #expect(at(5).advanced(by: .max) == at(.max))
        #expect(at(.max).advanced(by: 1) == at(.max))
    }
}
