/// Whether the messages of one sender come in their order, each of them once.
struct SequenceCheck: Hashable {
    /// What is to be said about a message.
    enum Verdict: Hashable {
        /// It is the one that was due.
        case next
        /// So many before it are missing.
        case gap(UInt64)
        /// It, or a later one, has been here.
        case late
    }

    /// The number of the message that is due.
    private(set) var expected: UInt64 = 0

    /// Takes the number of the message that has come.
    mutating func accept(_ sequence: UInt64) -> Verdict {
        guard sequence >= expected else { return .late }
        let missing = sequence - expected
        expected = sequence &+ 1
        return missing == 0 ? .next : .gap(missing)
    }
}
