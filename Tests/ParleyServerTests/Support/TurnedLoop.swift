import NIOConcurrencyHelpers
import WebSocketCore

/// A loop that turns when the test says so.
final class TurnedLoop: WebSocketLoop, @unchecked Sendable {
    let locals = LoopLocals()
    let isCrowded = false
    let isWritingLargeMessages = false
    private(set) var holdsLargeMessages = false
    private let tasks = NIOLockedValueBox<[@Sendable () -> Void]>([])

    func execute(_ task: @escaping @Sendable () -> Void) { tasks.withLockedValue { $0.append(task) } }

    func executeAfterInput(_ task: @escaping @Sendable () -> Void) { execute(task) }

    func queuesForMany(_ isOn: Bool) {}

    func holdLargeMessages(_ isOn: Bool) { holdsLargeMessages = isOn }

    /// Does what was asked of it, and what that asks for.
    func run() {
        while true {
            let batch = tasks.withLockedValue { tasks in
                defer { tasks = [] }
                return tasks
            }
            guard !batch.isEmpty else { return }
            for task in batch { task() }
        }
    }
}
