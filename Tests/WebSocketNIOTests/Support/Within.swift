import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What never came.
struct TimedOut: Error, CustomStringConvertible {
    let what: String
    var description: String { "waited in vain for \(what)" }
}

/// How long a test waits before it calls a hang a failure; nothing that works takes a tenth of it, not even
/// under a sanitizer on a busy machine. `PARLEY_PATIENCE` names other seconds.
let patience = TimeAmount.seconds(getenv("PARLEY_PATIENCE").map { Int64(atoi($0)) } ?? 120)

/// Runs `body` in a task of its own and fails when it does not end: a hang becomes a failure.
func within<T: Sendable>(
    _ limit: TimeAmount = patience, _ what: String = "an operation", _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
    let promise = eventLoop.makePromise(of: T.self)
    let task = Task {
        do { promise.succeed(try await body()) } catch { promise.fail(error) }
    }
    let alarm = eventLoop.scheduleTask(in: limit) { promise.fail(TimedOut(what: what)) }
    defer {
        alarm.cancel()
        task.cancel()
    }
    return try await promise.futureResult.get()
}
