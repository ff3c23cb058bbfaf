/// An invariant that did not hold, and where.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which one.
    public let invariant: Invariant
    /// The number of the step after which it did not hold.
    public let step: Int
    /// What was seen.
    public let words: String

    /// `I4 at step 815: …`
    public var description: String { "\(invariant.rawValue) at step \(step): \(words)" }
}
