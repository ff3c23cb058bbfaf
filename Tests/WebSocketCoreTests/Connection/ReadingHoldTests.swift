import Testing
import WebSocketCore

@Suite("How long a peer that sends too fast is held, on a virtual clock", .timeLimit(.minutes(5)))
struct ReadingHoldTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    /// Holds for `milliseconds` from `start` on, a second at most at a time. Where it was too much, if it was.
    private func holdReading(_ hold: ReadingHold, from start: UInt64, for milliseconds: UInt64) -> UInt64? {
        var now = start
        while now < start + milliseconds {
            hold.begin(for: .max, now: at(now))
            guard let until = hold.until else { return now }
            #expect(until.milliseconds == now + 1_000)
            now = until.milliseconds
            hold.end(now: at(now))
            if hold.isTooMuch(ConnectionLimits(), now: at(now)) { return now - start }
        }
        return nil
    }

    @Test(
        "A hold takes a second at most and a tenth at least",
        arguments: [(0, 100), (1, 100), (600, 600), (9_000, 1_000)])
    func length(_ wait: UInt64, _ expected: UInt64) {
        let hold = ReadingHold()
        #expect(!hold.isOn)
        hold.begin(for: wait, now: at(7_000))
        #expect(hold.isOn && hold.until == at(7_000 + expected))
        hold.begin(for: 900, now: at(7_050))  // one that is on goes on
        #expect(hold.until == at(7_000 + expected))
        hold.end(now: at(7_000 + expected))
        #expect(!hold.isOn)
    }

    @Test(
        "More than half of a minute is too much, wherever the minute begins", arguments: [0, 3_749, 59_000, 1_234_567])
    func tooMuch(_ start: UInt64) {
        #expect(holdReading(ReadingHold(), from: start, for: 30_000) == nil)
        #expect(holdReading(ReadingHold(), from: start, for: 40_000) == 31_000)
        // Half of each minute, for an hour.
        let patient = ReadingHold()
        for minute: UInt64 in 0..<60 {
            #expect(holdReading(patient, from: start + minute * 64_000, for: 30_000) == nil)
        }
        // A pause between does not hide it.
        let cunning = ReadingHold()
        #expect(holdReading(cunning, from: start, for: 20_000) == nil)
        #expect(holdReading(cunning, from: start + 30_000, for: 20_000) == 11_000)
    }

    @Test("What was held more than a minute ago is forgotten")
    func forgets() {
        let hold = ReadingHold()
        #expect(hold.isOver(now: at(0)))
        #expect(holdReading(hold, from: 1_000_000, for: 29_000) == nil)
        #expect(!hold.isOver(now: at(1_060_000)))
        #expect(hold.isOver(now: at(1_090_000)) && !hold.isTooMuch(ConnectionLimits(), now: at(1_090_000)))
        #expect(holdReading(hold, from: 1_100_000, for: 30_000) == nil)
    }

    @Test("A loop that was away for long does not charge its own absence to the peer")
    func lateEnd() {
        let hold = ReadingHold()
        hold.begin(for: 500, now: at(0))
        hold.end(now: at(3_600_000))
        #expect(!hold.isTooMuch(ConnectionLimits(), now: at(3_600_000)))
        hold.end(now: at(3_700_000))
        #expect(hold.isOver(now: at(3_700_000)))
    }
}
