import Foundation
import WebSocketCore

/// Work of the HTTP API that takes up to seconds, such as lists of hundreds of thousands of channels: done one piece after
/// the other on a thread of its own, where the apps take turns. Any thread.
final class LongWork: Sendable {
    private struct Lines {
        var waiting: [Int: WaitingLine<@Sendable () -> Void>] = [:]
        /// The owners for which something waits, in the order of their turns.
        var order = WaitingLine<Int>()
    }

    private let lines = Lock(Lines())
    private let queue = DispatchQueue(label: "parley-long-work", qos: .utility)

    /// Has work of an owner done; how much may wait is the caller's to bound.
    func add(_ owner: Int, _ work: @escaping @Sendable () -> Void) {
        lines.withLock { lines in
            if lines.waiting[owner] == nil { lines.order.append(owner) }
            lines.waiting[owner, default: WaitingLine()].append(work)
        }
        queue.async { [self] in next()?() }
    }

    private func next() -> (@Sendable () -> Void)? {
        lines.withLock { lines in
            guard let owner = lines.order.popFirst(), let work = lines.waiting[owner]?.popFirst() else { return nil }
            if lines.waiting[owner]?.isEmpty == true {
                lines.waiting[owner] = nil
            } else {
                lines.order.append(owner)
            }
            return work
        }
    }
}
