/// When memory is given back to the system: a pure decision on how much is resident, asked at even intervals.
///
/// A trim is due once the process has come to rest after a change, and seldom while it does not. What is freed after a
/// trim does not show from outside, and a trim that comes in the middle of a rush leaves what is freed at its end: at
/// rest it is repeated when nothing seems to change, soon at first and then each time after twice as long.
struct TrimSchedule {
    /// Intervals after which it is done although there is no rest.
    static let patience = 32
    /// Intervals at rest after which it is repeated although there is no change to be seen: for the first time, and at
    /// most.
    static let repetition = 4...512

    private var before: Int
    private var afterTrim = 0
    private var waited = 0
    private var repetition = Self.repetition.lowerBound

    /// - Parameter pages: what is resident, in pages.
    init(pages: Int) { before = pages }

    /// Whether an interval later, with so many resident pages, memory is to be trimmed.
    mutating func isDue(pages: Int) -> Bool {
        // A little comes and goes with every message.
        let isAtRest = abs(pages - before) <= before / 200
        let hasChanged = abs(pages - afterTrim) > afterTrim / 100
        before = pages
        waited += 1
        if hasChanged { repetition = Self.repetition.lowerBound }
        guard isAtRest else { return waited >= Self.patience }
        if hasChanged { return true }
        guard waited >= repetition else { return false }
        repetition = min(2 * repetition, Self.repetition.upperBound)
        return true
    }

    /// A trim is done, and so many pages are left.
    mutating func trimmed(pages: Int) {
        before = pages
        afterTrim = pages
        waited = 0
    }
}
