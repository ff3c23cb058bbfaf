import Dispatch
import WebSocketCore

/// Runs `body` on so many threads at once, each with its number, and returns when all are through.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    let group = DispatchGroup()
    let gate = DispatchSemaphore(value: 0)
    for number in 0..<count {
        DispatchQueue(label: "thread \(number)").async(group: group) {
            gate.wait()
            body(number)
        }
    }
    for _ in 0..<count { gate.signal() }
    await withCheckedContinuation { waiting in
        group.notify(queue: .global()) { waiting.resume() }
    }
}

/// What completions on any thread hand in.
final class Collector<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var waiting: (count: Int, continuation: CheckedContinuation<[Value], Never>)?
    }

    private let state = Lock(State())

    func add(_ value: Value) {
        let done = state.withLock { state -> (CheckedContinuation<[Value], Never>, [Value])? in
            state.values.append(value)
            guard let waiting = state.waiting, state.values.count >= waiting.count else { return nil }
            state.waiting = nil
            return (waiting.continuation, state.values)
        }
        if let (continuation, values) = done { continuation.resume(returning: values) }
    }

    /// The values as soon as there are so many.
    func values(_ count: Int) async -> [Value] {
        await withCheckedContinuation { continuation in
            let values = state.withLock { state -> [Value]? in
                if state.values.count >= count { return state.values }
                state.waiting = (count, continuation)
                return nil
            }
            if let values { continuation.resume(returning: values) }
        }
    }
}
