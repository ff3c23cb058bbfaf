import Synchronization

/// A number that several threads count on and one shows; it says nothing about the order of anything else.
final class Counter: Sendable {
    private let number = Atomic<Int>(0)

    /// The number at present.
    var value: Int { number.load(ordering: .relaxed) }

    /// Adds to it, or takes away.
    func add(_ change: Int) { number.wrappingAdd(change, ordering: .relaxed) }
}
