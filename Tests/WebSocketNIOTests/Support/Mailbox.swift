import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Things that happen on other threads, in their order, for a test that waits for them.
final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var items: [Element] = []
        var waiters: [EventLoopPromise<Element>] = []
    }

    private let state = NIOLockedValueBox(State())

    var count: Int { state.withLockedValue { $0.items.count } }

    func put(_ item: Element) {
        let waiter = state.withLockedValue { state in
            guard state.waiters.isEmpty else { return Optional(state.waiters.removeFirst()) }
            state.items.append(item)
            return nil
        }
        waiter?.succeed(item)
    }

    /// Takes the oldest; waits for it when there is none.
    func next(_ what: String = "\(Element.self)") async throws -> Element {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let promise = eventLoop.makePromise(of: Element.self)
        let item = state.withLockedValue { state in
            guard state.items.isEmpty else { return Optional(state.items.removeFirst()) }
            state.waiters.append(promise)
            return nil
        }
        if let item { promise.succeed(item) }
        let alarm = eventLoop.scheduleTask(in: patience) { promise.fail(TimedOut(what: what)) }
        defer { alarm.cancel() }
        return try await promise.futureResult.get()
    }
}
