import Testing

@testable import ParleyServer

@Suite("When memory is given back", .timeLimit(.minutes(5)))
struct TrimScheduleTests {
    /// The intervals, from 1, in which a trim is due, when each leaves what it finds.
    private func trims(_ schedule: inout TrimSchedule, _ pages: some Sequence<Int>) -> [Int] {
        var trims: [Int] = []
        for (number, pages) in zip(1..., pages) where schedule.isDue(pages: pages) {
            schedule.trimmed(pages: pages)
            trims.append(number)
        }
        return trims
    }

    @Test("It is done when the process has come to rest, and not while it grows")
    func rest() {
        var schedule = TrimSchedule(pages: 1_000)
        #expect(trims(&schedule, [2_000, 3_000, 4_000, 4_010, 4_010, 4_010]) == [4])
    }

    @Test("A process that never rests is trimmed all the same, every 32 intervals")
    func unrest() {
        var schedule = TrimSchedule(pages: 1_000)
        #expect(trims(&schedule, (1...100).map { $0.isMultiple(of: 2) ? 1_000 : 2_000 }) == [32, 64, 96])
    }

    @Test("At rest it is repeated where nothing shows, each time after twice as long, 512 intervals at most")
    func repetition() {
        var schedule = TrimSchedule(pages: 1_000)
        let pages = repeatElement(1_000, count: 2_500)
        #expect(trims(&schedule, pages) == [1, 5, 13, 29, 61, 125, 253, 509, 1_021, 1_533, 2_045])
        // A change begins it anew.
        #expect(trims(&schedule, [1_500] + repeatElement(1_500, count: 99)) == [1, 5, 13, 29, 61])
    }

    @Test("Where nothing is known of the memory it is done seldom")
    func unknown() {
        var schedule = TrimSchedule(pages: 0)
        #expect(trims(&schedule, repeatElement(0, count: 100)) == [4, 12, 28, 60])
    }
}
