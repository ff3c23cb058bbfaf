import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Stands behind a listener and stops it from accepting while there is no room: at the limit of connections, and when
/// the system has no descriptor or no memory for another one. Who comes meanwhile waits in the kernel's queue.
///
/// Nothing is kept for a connection: those that were accepted since the last census, with those that it found, are at
/// least as many as there are. Only when that reaches the limit they are counted again. Confined to its loop's thread.
final class AcceptGate: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    /// Between two censuses while nobody is accepted.
    static let censusInterval = TimeAmount.milliseconds(50)
    /// After an error of the system.
    static let backOff = TimeAmount.seconds(1)
    /// After that long without a pause, the next one is told.
    static let episode = TimeAmount.seconds(10)

    private let limit: Int?
    private let census: @Sendable () async -> Int
    private let onPause: @Sendable (AcceptPause) -> Void
    /// At least as many as there are connections.
    private var atMost = 0
    private var isPaused = false
    /// The last census found no room.
    private var isFull = false
    private var lastReport: (reason: AcceptPause.Reason, seen: NIODeadline)?
    private var next: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    /// - Parameters:
    ///   - limit: connections that may be open; `nil` for any number.
    ///   - census: counts those that are open, and whatever has been accepted by the time it is called.
    ///   - onPause: is told of pauses; called on any thread.
    init(
        limit: Int?, census: @escaping @Sendable () async -> Int, onPause: @escaping @Sendable (AcceptPause) -> Void
    ) {
        self.limit = limit
        self.census = census
        self.onPause = onPause
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        next?.cancel()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(data)
        guard let limit else { return }
        atMost += 1
        if atMost >= limit {
            pause()
            takeCensus()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason: AcceptPause.Reason
        switch (error as? IOError)?.errnoCode {
        case EMFILE: reason = .processDescriptors
        case ENFILE: reason = .systemDescriptors
        case ENOBUFS, ENOMEM: reason = .memory
        // One connection had ended before it was accepted, or could not be set up: that is nobody else's matter.
        default: return
        }
        pause()
        next?.cancel()
        next = context.eventLoop.assumeIsolated().scheduleTask(in: Self.backOff) { [weak self] in self?.resume() }
        report(reason)
    }

    /// The listener's socket is not watched any more. Withholding `read` alone would leave it watched after an error,
    /// and the loop would turn without a rest.
    private func pause() {
        isPaused = true
        try? context?.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    private func resume() {
        isPaused = false
        try? context?.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    private func takeCensus() {
        guard let loop = context?.eventLoop else { return }
        let gate = NIOLoopBound(self, eventLoop: loop)
        let census = census
        Task {
            let count = await census()
            loop.execute { gate.value.found(count) }
        }
    }

    private func found(_ count: Int) {
        guard let context, isPaused, let limit else { return }
        atMost = count
        guard count >= limit else {
            isFull = false
            return resume()
        }
        // Twice in a row: a connection on its way from one carrier to the other may be counted twice.
        if isFull { report(.connectionLimit, connections: count) }
        isFull = true
        next = context.eventLoop.assumeIsolated().scheduleTask(in: Self.censusInterval) { [weak self] in
            self?.takeCensus()
        }
    }

    private func report(_ reason: AcceptPause.Reason, connections: Int? = nil) {
        let now = NIODeadline.now()
        defer { lastReport = (reason, now) }
        if let lastReport, lastReport.reason == reason, now - lastReport.seen < Self.episode { return }
        if let connections { return onPause(AcceptPause(reason: reason, connections: connections)) }
        let census = census
        let onPause = onPause
        Task { onPause(AcceptPause(reason: reason, connections: await census())) }
    }
}

@available(*, unavailable)
extension AcceptGate: Sendable {}
