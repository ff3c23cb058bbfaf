import Testing
import WebSocketCore

@Suite("The books of what waits for a reader", .timeLimit(.minutes(5)))
struct PendingOutputTests {
    private let limits = ConnectionLimits()

    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    @Test("Nothing waits at first, and after all has left")
    func empty() {
        var books = PendingOutput()
        #expect(books.bytes == 0)
        #expect(books.verdict(limits, now: at(1_000_000)) == nil)
        #expect(books.nextDeadline(limits) == at(.max))
        books.queued(500_000, limits, now: at(0))
        books.queued(0, limits, now: at(0))
        books.sent(200_000, limits, now: at(1))
        #expect(books.bytes == 300_000)
        books.sent(400_000, limits, now: at(2))
        #expect(books == PendingOutput())
    }

    @Test("The hard limit counts what waited before the newest message, which may be of any size")
    func hardLimit() {
        var books = PendingOutput()
        books.queued(5_000_000, limits, now: at(0))
        #expect(books.verdict(limits, now: at(0)) == nil)
        books.sent(5_000_000 - 1_048_576, limits, now: at(0))
        books.queued(1, limits, now: at(0))
        #expect(books.verdict(limits, now: at(0)) == nil)
        books.queued(1, limits, now: at(0))
        #expect(books.verdict(limits, now: at(0)) == .hardLimit)
        books.sent(10, limits, now: at(0))
        #expect(books.verdict(limits, now: at(0)) == nil)
    }

    @Test("The soft limit may be passed for its time; below it the time begins anew")
    func softLimit() {
        var limits = limits
        limits.maximumPendingAge = .max
        var books = PendingOutput()
        for _ in 0..<8 { books.queued(32_768, limits, now: at(0)) }
        #expect(books.nextDeadline(limits) == at(.max))
        books.queued(1, limits, now: at(5_000))
        #expect(books.nextDeadline(limits) == at(15_000))
        books.queued(1_000, limits, now: at(14_000))
        #expect(books.verdict(limits, now: at(14_999)) == nil)
        #expect(books.verdict(limits, now: at(15_000)) == .softLimit)
        books.sent(1_001, limits, now: at(15_000))
        #expect(books.verdict(limits, now: at(15_000)) == nil)
        books.queued(1, limits, now: at(16_000))
        #expect(books.verdict(limits, now: at(25_999)) == nil)
        #expect(books.verdict(limits, now: at(26_000)) == .softLimit)
    }

    @Test("A reader is too slow when its oldest byte is, to about a second, however little waits")
    func age() {
        var books = PendingOutput()
        for second in 0..<9 as Range<UInt64> { books.queued(1, limits, now: at(second * 1_000)) }
        #expect(books.nextDeadline(limits) == at(10_000))
        #expect(books.verdict(limits, now: at(9_999)) == nil)
        #expect(books.verdict(limits, now: at(10_000)) == .stalled)
        // Of each byte that leaves, the next one's age counts.
        for second in 1..<9 as Range<UInt64> {
            books.sent(1, limits, now: at(10_000))
            #expect(books.nextDeadline(limits) == at(10_000 + second * 1_000))
        }
    }

    @Test(
        "A large message may take its time as long as the reader takes 64 KiB in ten seconds, and what waits behind it")
    func largeMessage() {
        var books = PendingOutput()
        books.queued(800_000, limits, now: at(0))
        for second in 0..<5 as Range<UInt64> { books.queued(100, limits, now: at(second * 1_000)) }
        #expect(books.verdict(limits, now: at(0)) == nil)
        #expect(books.nextDeadline(limits) == at(10_000))
        // 64 KiB at a time, each just in time.
        for step in 1...12 as ClosedRange<UInt64> {
            books.sent(65_536, limits, now: at(step * 10_000 - 1))
            // Where the node is short of room, a large message has no more time than others.
            #expect(books.verdict(limits, now: at(step * 10_000), pressure: .tight) == .stalled)
            #expect(books.verdict(limits, now: at(step * 10_000)) == nil)
            #expect(books.nextDeadline(limits) == at((step + 1) * 10_000))
        }
        // The rest of it, and from then on the others wait.
        books.sent(800_000 - 12 * 65_536, limits, now: at(121_000))
        #expect(books.bytes == 500)
        #expect(books.verdict(limits, now: at(130_999)) == nil)
        #expect(books.verdict(limits, now: at(131_000)) == .stalled)
    }

    @Test("While the node's budget is scarce, a long queue has to move every second, and a short one has its time")
    func scarcity() {
        var books = PendingOutput()
        books.queued(1_000_000, limits, now: at(0))
        #expect(books.verdict(limits, now: at(0)) == nil)
        // So that a loop hears in time that it has become scarce.
        #expect(books.nextVerdict(limits) == at(1_000))
        #expect(books.verdict(limits, now: at(1_000), pressure: .scarce) == nil)
        books.sent(250_000, limits, now: at(1_500))
        #expect(books.verdict(limits, now: at(1_999), pressure: .scarce) == nil)
        #expect(books.verdict(limits, now: at(2_000), pressure: .scarce) == nil)
        books.sent(100_000, limits, now: at(2_500))
        var other = books
        #expect(books.verdict(limits, now: at(3_000), pressure: .scarce) == .nodeBudget)
        // What the kernel has taken is not with the reader.
        other.sent(100_000, limits, now: at(2_500))
        var third = other
        #expect(other.verdict(limits, now: at(3_000), pressure: .scarce) { 100_000 } == .nodeBudget)
        #expect(third.verdict(limits, now: at(3_000), pressure: .scarce) == nil)
        // It is not scarce for a moment: the second begins anew.
        #expect(third.verdict(limits, now: at(3_900)) == nil)
        #expect(third.verdict(limits, now: at(4_000), pressure: .scarce) == nil)
        #expect(third.verdict(limits, now: at(4_999), pressure: .scarce) == nil)
        #expect(third.verdict(limits, now: at(5_000), pressure: .scarce) == .nodeBudget)
        var short = PendingOutput()
        short.queued(131_072, limits, now: at(0))
        for second in 0..<10 as Range<UInt64> {
            #expect(short.verdict(limits, now: at(second * 1_000), pressure: .scarce) == nil)
        }
    }

    @Test("What the kernel keeps of a large message the reader does not have, and what it keeps no more it has")
    func kernelKeeps() {
        var books = PendingOutput()
        books.queued(800_000, limits, now: at(0))
        // The kernel had taken three million before; it takes nothing more, and the reader takes 64 KiB in ten seconds.
        var kept = 3_000_000
        #expect(books.verdict(limits, now: at(0)) { kept } == nil)
        for step in 1...5 as ClosedRange<UInt64> {
            kept -= 65_536
            #expect(books.verdict(limits, now: at(step * 10_000)) { kept } == nil)
        }
        // What moves into the kernel is no progress.
        books.sent(300_000, limits, now: at(55_000))
        kept += 300_000 - 65_535
        #expect(books.verdict(limits, now: at(59_999)) { kept } == nil)
        #expect(books.verdict(limits, now: at(60_000)) { kept } == .stalled)
    }

    @Test("A reader of a large message that takes less than 64 KiB in ten seconds is too slow")
    func largeMessageTakenSlowly() {
        var books = PendingOutput()
        books.queued(800_000, limits, now: at(0))
        #expect(books.verdict(limits, now: at(0)) == nil)
        for step in 1..<10 as Range<UInt64> { books.sent(6_553, limits, now: at(step * 1_000)) }
        #expect(books.verdict(limits, now: at(9_999)) == nil)
        #expect(books.verdict(limits, now: at(10_000)) == .stalled)
    }

    @Test("The soft limit does not count the large message that is under way, but those behind it")
    func softLimitBehindLargeMessage() {
        var books = PendingOutput()
        books.queued(800_000, limits, now: at(0))
        for _ in 0..<8 { books.queued(32_768, limits, now: at(0)) }
        #expect(books.nextDeadline(limits) == at(10_000))
        books.queued(1, limits, now: at(4_000))
        for second in 1..<14 as Range<UInt64> { books.sent(20_000, limits, now: at(second * 1_000)) }
        #expect(books.verdict(limits, now: at(13_999)) == nil)
        #expect(books.verdict(limits, now: at(14_000)) == .softLimit)
    }

    @Test("What is queued within a second counts with the newest of it: nobody is cut off too early")
    func accuracy() {
        var books = PendingOutput()
        for moment in stride(from: 0, through: 3_000, by: 100) { books.queued(10, limits, now: at(UInt64(moment))) }
        #expect(books.nextDeadline(limits) == at(10_900))
        #expect(books.verdict(limits, now: at(10_899)) == nil)
        #expect(books.verdict(limits, now: at(10_900)) == .stalled)
        books.sent(95, limits, now: at(3_000))
        #expect(books.nextDeadline(limits) == at(10_900))
        books.sent(5, limits, now: at(3_000))
        #expect(books.nextDeadline(limits) == at(11_900))
    }

    @Test("Against a list of every byte: the age is met within a fifth, never too early", arguments: 0..<20)
    func againstModel(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let scale: UInt64 = seed.isMultiple(of: 2) ? 1 : 10
        var limits = limits
        limits.maximumPendingBytes = .max
        limits.softPendingBytes = .max
        limits.maximumPendingAge = 10_000 * scale
        var books = PendingOutput()
        var model: [UInt64] = []
        var now: UInt64 = 0
        for _ in 0..<2_000 {
            now += UInt64.random(in: 0...300 * scale, using: &random)
            let count = Int.random(in: 0...20, using: &random)
            if Bool.random(using: &random) {
                books.queued(count, limits, now: at(now))
                model += [UInt64](repeating: now, count: count)
            } else {
                books.sent(count, limits, now: at(now))
                model.removeFirst(min(count, model.count))
            }
            // A reader that lags behind, but not for longer than it may.
            let late = model.prefix { now - $0 > 9_000 * scale }.count
            books.sent(late, limits, now: at(now))
            model.removeFirst(late)
            #expect(books.bytes == model.count)
            if let oldest = model.first {
                let deadline = books.nextDeadline(limits).milliseconds
                #expect(deadline >= oldest + 10_000 * scale)
                #expect(deadline <= oldest + 12_000 * scale)
            }
        }
    }

    @Test("A long limit is met to a tenth of it, and the books stay small however long it is", arguments: [60, 3_600])
    func longLimit(_ seconds: UInt64) {
        var limits = limits
        limits.maximumPendingAge = seconds * 1_000
        limits.maximumPendingBytes = .max
        limits.softPendingBytes = .max
        var books = PendingOutput()
        for second in 0..<2 * seconds {
            books.queued(1, limits, now: at(second * 1_000))
            let isTooOld = books.verdict(limits, now: at(second * 1_000)) == .stalled
            if second < seconds { #expect(!isTooOld) }
            if second > seconds + seconds / 10 { #expect(isTooOld) }
        }
        let marks = Mirror(reflecting: books).children.first { $0.label == "marks" }?.value
        #expect(marks.map { Mirror(reflecting: $0).children.count <= 16 } == true)
        #expect(books.bytes == 2 * Int(seconds))
    }
}
