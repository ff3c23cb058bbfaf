import NIOCore
import NIOPosix
import WebSocketCore

/// Puts load on a WebSocket server and checks everything that it answers.
public enum LoadGenerator {
    /// Makes a run. Several at the same time measure each other.
    ///
    /// - Parameters:
    ///   - plan: what is done; checked first.
    ///   - progress: told about four times a second how far it is, one call after the other.
    /// - Returns: the figures, and what the server did wrong.
    /// - Throws: ``LoadError`` when there is nothing to measure.
    public static func run(
        _ plan: LoadPlan, progress: @escaping @Sendable (LoadProgress) -> Void = { _ in }
    ) async throws -> LoadReport {
        try plan.validate()
        let connections = plan.totalConnections
        try OpenFileLimit.require(
            connections: plan.work == .connect ? min(plan.concurrency + plan.loops, connections) : connections)
        var meter: ServerMeter?
        if let pid = plan.serverPID { meter = try ServerMeter(pid: pid) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.loops)
        do {
            let target = try await resolve(plan.url, group)
            var publishTarget = target
            if let url = plan.publishURL { publishTarget = try await resolve(url, group) }
            let context = try RunContext(plan, target: target, publishTarget: publishTarget)
            var loops: [NIOLoopBound<LoadLoop>] = []
            for eventLoop in group.makeIterator() {
                let loop = try await eventLoop.submit {
                    NIOLoopBound(LoadLoop(context, eventLoop: eventLoop), eventLoop: eventLoop)
                }.get()
                loops.append(loop)
            }
            let report = try await LoadRun(context, loops, meter, progress).run()
            try await group.shutdownGracefully()
            return report
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// The address that a URL leads to. Of a name with several addresses it is one that accepts connections.
    private static func resolve(_ text: String, _ group: MultiThreadedEventLoopGroup) async throws -> RunContext.Target
    {
        let url = try WebSocketURL(text)
        if let address = try? SocketAddress(ipAddress: url.host, port: url.port) {
            return RunContext.Target(url: url, address: address)
        }
        do {
            let channel = try await ClientBootstrap(group: group).connect(host: url.host, port: url.port).get()
            let address = channel.remoteAddress
            try? await channel.close()
            guard let address else {
                throw LoadError("\(url.hostHeader) closed the connection at once: is it a server?")
            }
            return RunContext.Target(url: url, address: address)
        } catch {
            throw LoadError(ConnectionFailure.words(error, server: url.hostHeader))
        }
    }
}
