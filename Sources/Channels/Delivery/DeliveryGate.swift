import Synchronization
import WebSocketCore

/// Holds back what comes from outside the loops while a loop cannot keep up with its deliveries.
///
/// A client that sends too much is not read: its loop is busy. An HTTP request comes on another thread, and without this
/// the answer "kept" would come ten times faster than the loops deliver; what waits would grow, and everybody would wait
/// behind it. While a loop is behind, each owner (an app) gets one request through now and then, and the others wait
/// behind their own kind. Any thread.
public final class DeliveryGate: Sendable {
    /// Work that waits, by owner; the owners take turns.
    private struct Lines {
        /// Loops that cannot keep up.
        var behind = 0
        /// Iterations so far that count for ``pause``.
        var turn = 0
        var count = 0
        var owners: [Int: Line] = [:]
        var order = WaitingLine<Int>()
    }

    private struct Line {
        var waiting = WaitingLine<@Sendable () -> Void>()
        /// The turn in which one may pass while a loop is behind.
        var nextTurn = 0
    }

    /// Of one owner at most: what is more is refused.
    static let maximumWaiting = 64
    /// What passes in a turn when no loop is behind.
    private static let atOnce = 4
    /// Turns between two of one owner while a loop is behind.
    private static let pause = 32

    private let lines = Lock(Lines())
    /// Whether a loop is behind or something waits: the way around the lock.
    private let isClosed = Atomic(false)

    /// Creates the gate of one node, which its shards and its HTTP API share.
    public init() {}

    /// Whether nothing has to wait, so that nobody needs to make a closure of its work for ``pass(_:_:)``.
    public var isOpen: Bool { !isClosed.load(ordering: .acquiring) }

    /// Has work done: at once, or on a shard's thread when the loops have caught up or it is its turn.
    ///
    /// - Returns: `false` when as much of this owner waits as may; then the work is not done.
    public func pass(_ owner: Int, _ work: @escaping @Sendable () -> Void) -> Bool {
        enum Verdict { case now, later, never }
        let verdict = lines.withLock { lines -> Verdict in
            guard lines.behind > 0 || lines.count > 0 else { return .now }
            var line = lines.owners[owner] ?? Line()
            guard line.waiting.count < Self.maximumWaiting else { return .never }
            if line.waiting.isEmpty { lines.order.append(owner) }
            line.waiting.append(work)
            lines.owners[owner] = line
            lines.count += 1
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
        let (due, isWaiting) = lines.withLock { lines -> ([@Sendable () -> Void], Bool) in
            lines.behind += (isBehind ? 1 : 0) - (wasBehind ? 1 : 0)
            // A loop with nothing to do would turn a thousand times in the pause: those that are behind serve the lines.
            guard isBehind || lines.behind == 0 else { return ([], false) }
            lines.turn &+= 1
            let due = Self.takeDue(&lines)
            isClosed.store(lines.behind > 0 || lines.count > 0, ordering: .releasing)
            // Who waited longest ago is forgotten with its pause when nothing waits and no loop is behind.
            if lines.behind == 0, lines.count == 0 { lines.owners = [:] }
            return (due, lines.count > 0)
        }
        for work in due { work() }
        return isWaiting
    }

    private static func takeDue(_ lines: inout Lines) -> [@Sendable () -> Void] {
        var due: [@Sendable () -> Void] = []
        var looks = lines.order.count
        while looks > 0, due.count < atOnce, let owner = lines.order.popFirst(), var line = lines.owners[owner] {
            looks -= 1
            if lines.behind == 0 || line.nextTurn &- lines.turn <= 0, let work = line.waiting.popFirst() {
                due.append(work)
                lines.count -= 1
                line.nextTurn = lines.turn &+ pause
                lines.owners[owner] = line
            }
            if !line.waiting.isEmpty { lines.order.append(owner) }
        }
        return due
    }
}
