import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Stands behind a listener and stops it from accepting while there is no room: when the server has all its connections,
/// and when the system has no descriptor or no memory for another one. New ones wait in the kernel's queue meanwhile.
/// Confined to its loop's thread.
final class AcceptGate: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    /// Between two looks for room while nothing is accepted.
    static let lookInterval = TimeAmount.milliseconds(50)
    /// Accepted between two polls, where there is room: those who wait in the kernel's queue wait behind each other.
    static let atOnce = 16
    /// After an error of the system.
    static let backOff = TimeAmount.seconds(1)
    /// After that long without a pause, the next one is reported.
    static let episode = TimeAmount.seconds(10)

    private let doorkeeper: Doorkeeper
    private let census: @Sendable () async -> Int
    private let onFull: @Sendable () -> Void
    private let onPause: @Sendable (AcceptPause) -> Void
    private var isPaused = false
    /// What the listener accepts with the next read: never more than there is room for.
    private var batch = 1
    private var lastReport: (reason: AcceptPause.Reason, seen: NIODeadline)?
    private var next: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    /// - Parameters:
    ///   - doorkeeper: counts the connections.
    ///   - census: counts those that are open, for reports.
    ///   - onFull: called when the last place was taken, and as long as it stays so; on the listener's loop.
    ///   - onPause: called for pauses; on any thread.
    init(
        doorkeeper: Doorkeeper, census: @escaping @Sendable () async -> Int,
        onFull: @escaping @Sendable () -> Void = {},
        onPause: @escaping @Sendable (AcceptPause) -> Void
    ) {
        self.doorkeeper = doorkeeper
        self.census = census
        self.onFull = onFull
        self.onPause = onPause
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        next?.cancel()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let hasRoom = doorkeeper.arrived()
        context.fireChannelRead(data)
        guard !hasRoom else { return }
        pause()
        waitForRoom(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        fitBatch(context)
        context.fireChannelReadComplete()
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
        guard let context, isPaused else { return }
        guard doorkeeper.hasRoom else {
            report(.connectionLimit)
            return waitForRoom(context)
        }
        isPaused = false
        fitBatch(context)
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    private func fitBatch(_ context: ChannelHandlerContext) {
        let fitting = min(Self.atOnce, max(1, doorkeeper.room))
        guard fitting != batch else { return }
        batch = fitting
        try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: UInt(fitting))
    }

    private func waitForRoom(_ context: ChannelHandlerContext) {
        onFull()
        next?.cancel()
        next = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lookInterval) { [weak self] in self?.resume() }
    }

    private func report(_ reason: AcceptPause.Reason) {
        let now = NIODeadline.now()
        defer { lastReport = (reason, now) }
        if let lastReport, lastReport.reason == reason, now - lastReport.seen < Self.episode { return }
        let census = census
        let onPause = onPause
        Task { onPause(AcceptPause(reason: reason, connections: await census())) }
    }
}

@available(*, unavailable)
extension AcceptGate: Sendable {}
