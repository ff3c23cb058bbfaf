import WebSocketCore

/// Collects the answers to several questions that are under way at the same time, and hands them on when all are there.
final class Gathering<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var missing: Int
        var values: [Key: Value] = [:]
    }

    private let state: Lock<State>
    private let completion: @Sendable ([Key: Value]) -> Void

    /// - Parameters:
    ///   - count: how many answers there will be, at least 1.
    ///   - completion: called once, with the last answer.
    init(count: Int, completion: @escaping @Sendable ([Key: Value]) -> Void) {
        state = Lock(State(missing: count))
        self.completion = completion
    }

    /// Takes one answer; `nil` when the question could not be answered.
    func take(_ value: Value?, for key: Key) {
        let values: [Key: Value]? = state.withLock { state in
            state.missing -= 1
            if let value { state.values[key] = value }
            return state.missing == 0 ? state.values : nil
        }
        if let values { completion(values) }
    }
}
