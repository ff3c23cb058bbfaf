/// When memory is given back to the system: a pure decision on how much is resident, asked at even intervals.
///
/// A trim is due once the process has come to rest after a change, and seldom while it does not. What is freed after a
/// trim does not show from outside: it is repeated when nothing seems to change, each time after twice as long.
struct TrimSchedule {
    /// Intervals after which it is done although there is no rest, or no change to be seen.
    static let patience = 32
    /// The most intervals between two trims.
    static let longestPatience = 512

    private var before: Int
    private var afterTrim = 0
    private var waited = 0
    private var patience = Self.patience

    /// - Parameter pages: what is resident, in pages.
    init(pages: Int) { before = pages }

    /// Whether an interval later, with so many resident pages, memory is to be trimmed.
    mutating func isDue(pages: Int) -> Bool {
        // A little comes and goes with every message.
        let isAtRest = abs(pages - before) <= before / 200
        let hasChanged = abs(pages - afterTrim) > afterTrim / 100
        before = pages
        waited += 1
        if hasChanged { patience = Self.patience }
        guard hasChanged && isAtRest || waited >= patience else { return false }
        if !hasChanged { patience = min(2 * patience, Self.longestPatience) }
        return true
    }

    /// A trim is done, and so many pages are left.
    mutating func trimmed(pages: Int) {
        before = pages
        afterTrim = pages
        waited = 0
    }
}
