import NIOCore
import WebSocketCore
import WebSocketNIO

/// What all loops of a run share.
final class RunContext: Sendable {
    /// Where connections go.
    struct Target: Sendable {
        var url: WebSocketURL
        var address: SocketAddress
    }

    let plan: LoadPlan
    let faults = FaultLog()
    let client: WebSocketClient
    let target: Target
    let publishTarget: Target
    /// Addresses to connect from; `nil` when the system chooses.
    let sources: [SocketAddress]?
    /// What tells the messages of this run from those of another.
    let seed = UInt64.random(in: .min ... .max)
    /// Connections that have been opened.
    let opened = Counter()
    /// Connections that are open: of echo, idle, connect, and subscribers.
    let open = Counter()
    /// Publishers that are open.
    let openPublishers = Counter()
    /// Connections that have had the one echo of idle.
    let exchanged = Counter()
    private let origin = NIODeadline.now().uptimeNanoseconds

    init(_ plan: LoadPlan, target: Target, publishTarget: Target) throws(LoadError) {
        self.plan = plan
        self.target = target
        self.publishTarget = publishTarget
        sources = try SourceAddresses.spread(
            plan.totalConnections, perSource: plan.connectionsPerSource, to: [target.address, publishTarget.address])
        var configuration = WebSocketClientConfiguration()
        configuration.connectTimeout = ConnectionOpener.timeout
        // A wrong size shall be reported as such, and what we send ourselves is bounded by the plan.
        configuration.limits.setMaximumMessage(bytes: max(2 * plan.size, 1024 * 1024))
        configuration.limits.maximumPendingBytes = .max
        // An idle connection is to be idle.
        configuration.limits.pingInterval = 24 * 3_600_000
        client = WebSocketClient(configuration: configuration)
    }

    /// Nanoseconds since the run began.
    var clock: UInt64 { NIODeadline.now().uptimeNanoseconds &- origin }
}
