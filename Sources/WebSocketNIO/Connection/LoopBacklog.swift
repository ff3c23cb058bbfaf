import NIOCore
import WebSocketCore

/// The connections of a loop whose peers have not taken everything, and the loop's place in the node's budget.
///
/// A connection without a backlog never comes here. Confined to its loop's thread.
final class LoopBacklog {
    /// What another thread holds of it.
    private struct Reference {
        weak var backlog: LoopBacklog?
    }

    private let eventLoop: any EventLoop
    private var member: OutputBudget.Member?
    private var connections: [ObjectIdentifier: FrameHandler] = [:]
    /// Bytes that wait on all connections.
    private(set) var pendingBytes = 0
    /// The longest queue, or more: it is looked for again when somebody wants to know.
    private var largest = 0
    private var isTelling = false

    /// - Parameter budget: the node's; `nil` for a loop that counts for itself alone. Call on the loop.
    init(eventLoop: any EventLoop, budget: OutputBudget?) {
        self.eventLoop = eventLoop
        let reference = NIOLoopBound(Reference(backlog: self), eventLoop: eventLoop)
        member = budget?.join { request in
            eventLoop.execute { reference.value.backlog?.shed(request) }
        }
    }

    /// How much of the node's budget is used.
    var pressure: OutputBudget.Pressure { member?.pressure ?? .none }

    /// A connection's queue has changed; 0 when it is empty.
    func changed(_ connection: FrameHandler, from before: Int, to after: Int) {
        guard member != nil else { return }
        pendingBytes += after - before
        connections[ObjectIdentifier(connection)] = after > 0 ? connection : nil
        if connections.isEmpty { largest = 0 }
        if connection.canBeShed { largest = max(largest, connection.pendingBytes) }
        guard !isTelling else { return }
        isTelling = true
        // Once a turn, however many queues change in it.
        eventLoop.assumeIsolated().execute { [self] in
            isTelling = false
            member?.publish(pending: pendingBytes, largest: largest)
        }
    }

    /// Cuts off the slowest readers of this loop, the longest queue first; those that are being closed count like the others.
    private func shed(_ request: OutputBudget.Request) {
        let goal = pendingBytes - request.bytes
        // By what their peers have not taken: a piece that has left in part is held in whole, which says nothing.
        let longest = connections.values.filter { $0.canBeShed }.sorted { $0.pendingBytes > $1.pendingBytes }
        for connection in longest {
            guard pendingBytes > goal, connection.pendingBytes >= request.floor else { break }
            if connection.isOpen { connection.cutOff(.nodeBudget) } else { connection.cutOff() }
        }
        largest = connections.values.reduce(0) { $1.canBeShed ? max($0, $1.pendingBytes) : $0 }
        member?.answer(pending: pendingBytes, largest: largest)
    }
}

@available(*, unavailable)
extension LoopBacklog: Sendable {}
