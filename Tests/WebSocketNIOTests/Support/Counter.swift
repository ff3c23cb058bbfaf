import NIOConcurrencyHelpers

/// A number that several tasks change, and the largest that it has been.
final class Counter: Sendable {
    private let value = NIOLockedValueBox((now: 0, most: 0))

    var most: Int { value.withLockedValue { $0.most } }

    func add(_ change: Int) {
        value.withLockedValue { value in
            value.now += change
            value.most = max(value.most, value.now)
        }
    }
}
