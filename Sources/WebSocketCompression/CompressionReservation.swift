/// A part of a budget that is given back when the last codec that holds it goes away, on whatever thread.
final class CompressionReservation {
    private let budget: CompressionBudget
    private var bytes: Int

    init?(_ bytes: Int, of budget: CompressionBudget) {
        guard budget.reserve(bytes) else { return nil }
        self.bytes = bytes
        self.budget = budget
    }

    /// Gives back what is above `bytes`.
    func shrink(to bytes: Int) {
        guard bytes < self.bytes else { return }
        budget.release(self.bytes - bytes)
        self.bytes = bytes
    }

    deinit { budget.release(bytes) }
}
