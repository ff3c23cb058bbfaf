#if os(Linux)
import Glibc
import Synchronization
public import WebSocketCore

/// The carrier for plain connections on Linux: epoll loops, each on a thread of its own, which take connections over
/// after their opening handshake.
///
/// A connection stays on the loop that takes it; the loops take turns. An idle connection costs a slot of 128 bytes, its
/// session, and what the session holds. Everything public may be called on any thread.
public final class Reactor: ConnectionCarrier {
    let loops: [ReactorLoop]
    private let turn = Atomic<Int>(0)
    private let state = Atomic<Int>(State.new)

    private enum State {
        static let new = 0
        static let running = 1
        static let ended = 2
    }

    /// Lays the loops out; their threads begin with ``start(_:)``.
    ///
    /// - Throws: ``ReactorError`` when the process may open no more descriptors.
    public init(_ configuration: ReactorConfiguration = ReactorConfiguration()) throws(ReactorError) {
        var loops: [ReactorLoop] = []
        for _ in 0..<configuration.loops { loops.append(try ReactorLoop(loops: configuration.loops)) }
        self.loops = loops
    }

    /// Starts the loops' threads.
    ///
    /// - Throws: ``ReactorError`` when they run already or the system gives no thread.
    public func start(_ environment: CarrierEnvironment) throws {
        let (mayStart, _) = state.compareExchange(expected: State.new, desired: State.running, ordering: .relaxed)
        guard mayStart else { throw ReactorError.alreadyStarted }
        for (number, loop) in loops.enumerated() { try loop.start(name: "parley-\(number)", environment) }
    }

    /// Takes a connection; when the reactor has ended its descriptor is closed.
    public func adopt(_ connection: HandedOverConnection) {
        let (number, _) = turn.wrappingAdd(1, ordering: .relaxed)
        let loop = loops[Int(UInt(bitPattern: number) % UInt(loops.count))]
        let isTaken = loop.tryExecute { loop.take(connection) }
        if !isTaken { close(connection.descriptor) }
    }

    /// How many connections are open.
    public func connectionCount() async -> Int { await statistics().connections }

    /// What the loops have done so far.
    ///
    /// - Parameter isReset: whether the maxima begin anew.
    public func statistics(resetting isReset: Bool = false) async -> ReactorStatistics {
        var sum = ReactorStatistics()
        for loop in loops {
            let part: ReactorStatistics? = await withCheckedContinuation { done in
                let isTaken = loop.tryExecute { done.resume(returning: loop.currentStatistics(resetting: isReset)) }
                if !isTaken { done.resume(returning: nil) }
            }
            if let part { sum = sum + part }
        }
        return sum
    }

    /// Closes every connection, cuts off who has not answered within `time`, and ends the threads.
    public func stop(_ frame: CloseFrame, within time: Duration) async {
        guard state.exchange(State.ended, ordering: .relaxed) == State.running else { return }
        let farewell = Farewell(frame, within: time)
        for loop in loops { loop.execute { loop.stop(farewell) } }
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline, await connectionCount() > 0 {
            // In a task of its own: one that was cancelled does not sleep.
            await Task.detached { try? await Task.sleep(for: .milliseconds(20)) }.value
        }
        for loop in loops { loop.execute { loop.end() } }
        for loop in loops { loop.join() }
    }
}
#endif
