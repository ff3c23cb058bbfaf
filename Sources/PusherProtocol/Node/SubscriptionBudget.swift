import WebSocketCore

/// How many subscriptions the connections of a node have beyond those that each may always have.
///
/// Half of them is in equal parts for each app, the other half for whichever needs more: no app can take another one's
/// part. Any thread.
final class SubscriptionBudget: Sendable {
    /// Subscriptions that a connection has without asking.
    static let ofConnection = 16

    private struct State: Sendable {
        var taken: [Int]
        /// What apps have beyond their parts.
        var common = 0
    }

    private let part: Int
    private let common: Int
    private let state: Lock<State>

    init(_ count: Int, apps: Int) {
        common = count / 2
        part = (count - common) / max(1, apps)
        state = Lock(State(taken: Array(repeating: 0, count: apps)))
    }

    /// Takes one for the app of that index; whether there was one.
    func take(_ app: Int) -> Bool {
        state.withLock { state in
            if state.taken[app] >= part {
                guard state.common < common else { return false }
                state.common += 1
            }
            state.taken[app] += 1
            return true
        }
    }

    /// Gives some back.
    func give(_ count: Int, _ app: Int) {
        state.withLock { state in
            assert(count <= state.taken[app], "more subscriptions end than there are")
            state.common -= max(0, state.taken[app] - part) - max(0, state.taken[app] - count - part)
            state.taken[app] -= count
        }
    }
}
