import Synchronization

/// One call from a task that waits on the loop: it may be cancelled before the loop has heard of it.
final class AsyncCall: Sendable {
    private let flag = Atomic<Bool>(false)

    var isCancelled: Bool { flag.load(ordering: .acquiring) }

    func cancel() { flag.store(true, ordering: .releasing) }
}
