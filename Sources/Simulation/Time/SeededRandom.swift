/// Random numbers that a seed determines: the same on every machine and with every version of the standard library.
///
/// SplitMix64. Whatever a run decides by chance comes from one of these, or from one that was split off.
struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return TraceHash.scrambled(state)
    }

    /// A generator of its own, so that what one part draws does not change what another one does.
    mutating func split() -> SeededRandom { SeededRandom(seed: next()) }

    /// A number from 0 up to `bound` without it; 0 when there is none.
    mutating func below(_ bound: Int) -> Int {
        guard bound > 1 else { return 0 }
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number in `range`.
    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True so many times in 1,000.
    mutating func chance(_ perMille: Int) -> Bool { below(1000) < perMille }

    /// One of `items`; `nil` when there is none.
    mutating func pick<Item>(_ items: some RandomAccessCollection<Item>) -> Item? {
        guard !items.isEmpty else { return nil }
        return items[items.index(items.startIndex, offsetBy: below(items.count))]
    }
}
