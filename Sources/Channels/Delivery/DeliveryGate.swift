import Synchronization
import WebSocketCore

/// Holds back what comes from outside the loops for a hub while a loop cannot keep up with that hub's deliveries.
///
/// A client that sends too much is not read: its loop is busy. An HTTP request comes on another thread, and without this
/// the answer "kept" would come ten times faster than the loops deliver, and what waits would grow. While a loop is behind,
/// one request passes now and then, and the others wait. What other hubs do counts for nothing here. Any thread.
public final class DeliveryGate: Sendable {
    private struct State {
        /// Loops that cannot keep up.
        var behind = 0
        /// Iterations so far that count for ``pause``.
        var turn = 0
        /// The turn in which one may pass while a loop is behind.
        var nextTurn = 0
        var waiting = WaitingLine<@Sendable () -> Void>()
    }

    /// At most: what is more is refused.
    static let maximumWaiting = 64
    /// Turns between two that pass while a loop is behind; otherwise one passes in each.
    private static let pause = 32

    private let state = Lock(State())
    /// Whether a loop is behind or something waits: the way around the lock.
    private let isClosed = Atomic(false)

    /// Creates an open gate.
    public init() {}

    /// Whether nothing has to wait, so that nobody needs to make a closure of its work for ``pass(_:)``.
    public var isOpen: Bool { !isClosed.load(ordering: .acquiring) }

    /// Has work done: at once, or on a shard's thread when the loops have caught up or it is its turn.
    ///
    /// - Returns: `false` when as much waits as may; then the work is not done.
    public func pass(_ work: @escaping @Sendable () -> Void) -> Bool {
        enum Verdict { case now, later, never }
        let verdict = state.withLock { state -> Verdict in
            guard state.behind > 0 || !state.waiting.isEmpty else { return .now }
            guard state.waiting.count < Self.maximumWaiting else { return .never }
            state.waiting.append(work)
            return .later
        }
        if verdict == .now { work() }
        return verdict != .never
    }

    /// Ends an iteration of a shard, which lets through what is due. On the shard's thread.
    ///
    /// - Parameters:
    ///   - isBehind: whether the shard cannot keep up.
    ///   - wasBehind: whether it could not before.
    /// - Returns: whether the shard has to call this in the next iteration, because work waits that no other shard serves.
    func drained(isBehind: Bool, wasBehind: Bool) -> Bool {
        guard isBehind != wasBehind || !isOpen else { return false }
        let (due, isWaiting) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
            state.behind += (isBehind ? 1 : 0) - (wasBehind ? 1 : 0)
            // A loop with nothing to do would turn a thousand times in the pause: those that are behind serve the line.
            guard isBehind || state.behind == 0 else { return (nil, false) }
            state.turn &+= 1
            let due = Self.takeDue(&state)
            isClosed.store(state.behind > 0 || !state.waiting.isEmpty, ordering: .releasing)
            return (due, !state.waiting.isEmpty)
        }
        due?()
        return isWaiting
    }

    private static func takeDue(_ state: inout State) -> (@Sendable () -> Void)? {
        guard state.behind == 0 || state.nextTurn &- state.turn <= 0, let work = state.waiting.popFirst() else {
            return nil
        }
        state.nextTurn = state.turn &+ pause
        return work
    }
}
