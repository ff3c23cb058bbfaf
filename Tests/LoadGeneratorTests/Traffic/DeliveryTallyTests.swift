import Testing

@testable import LoadGenerator

@Suite("The tally of deliveries", .timeLimit(.minutes(5)))
struct DeliveryTallyTests {
    @Test("Each publisher is told its own, once")
    func drain() {
        var tally = DeliveryTally(publishers: 3)
        #expect(tally.isEmpty)
        tally.add(1, of: 0)
        tally.add(2, of: 2)
        tally.add(1, of: 2)
        #expect(!tally.isEmpty)
        var told: [[Int]] = []
        tally.drain { told.append([$0, $1]) }
        #expect(told == [[0, 1], [2, 3]])
        #expect(tally.isEmpty)
        tally.drain { told.append([$0, $1]) }
        #expect(told.count == 2)
    }
}
