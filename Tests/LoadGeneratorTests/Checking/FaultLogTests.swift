import Testing

@testable import LoadGenerator

@Suite("Faults", .timeLimit(.minutes(5)))
struct FaultLogTests {
    @Test("All are counted, the first ten are described")
    func described() {
        let log = FaultLog()
        for number in 0..<25 { log.add { "fault \(number)" } }
        #expect(log.count == 25)
        #expect(log.described == (0..<10).map { "fault \($0)" })
        #expect(log.undescribed == 15)
    }

    @Test("One description may stand for many, and then none is left out")
    func several() {
        let log = FaultLog()
        log.add(count: 1000) { "1000 messages never arrived" }
        #expect(log.count == 1000)
        #expect(log.undescribed == 0)
    }

    @Test("Gaps are one fault each, whatever they take")
    func gaps() {
        let log = FaultLog()
        log.add(gap: 5) { "gap" }
        log.add(gap: 2) { "gap" }
        #expect(log.count == 2)
        #expect(log.gaps == 7)
    }
}
