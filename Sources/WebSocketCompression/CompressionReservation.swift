import Synchronization

/// A part of a budget that is given back when the last codec that holds it goes away, on whatever thread.
final class CompressionReservation: Sendable {
    private let budget: CompressionBudget
    private let bytes: Atomic<Int>

    init?(_ bytes: Int, of budget: CompressionBudget) {
        guard budget.reserve(bytes) else { return nil }
        self.bytes = Atomic(bytes)
        self.budget = budget
    }

    /// Gives back what is above `count`; while nobody else has it.
    func shrink(to count: Int) {
        let before = bytes.load(ordering: .relaxed)
        guard count < before else { return }
        budget.release(before - count)
        bytes.store(count, ordering: .relaxed)
    }

    deinit { budget.release(bytes.load(ordering: .relaxed)) }
}
