import Channels
public import Logging
import PusherProtocol
import Reactor
import RoomProtocol
public import ServiceLifecycle
import WebSocketCore
import WebSocketNIO

/// The server: what `parley serve` runs. A service, so that a signal shuts it down gracefully.
public struct ParleyServer: Service {
    /// How long closing all connections may take.
    private static let closingTime = Duration.seconds(4)

    private let configuration: ParleyConfiguration
    private let logger: Logger
    private let drainDelay = DrainDelay()
    private let announce: @Sendable (ServerAddresses) -> Void

    /// A server that is not running yet.
    ///
    /// - Parameters:
    ///   - configuration: what the operator chose.
    ///   - logger: where events go.
    ///   - announce: called once the server listens, with the addresses to open.
    public init(
        configuration: ParleyConfiguration, logger: Logger,
        announce: @escaping @Sendable (ServerAddresses) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.announce = announce
    }

    /// Serves until a graceful shutdown. Then it listens on for ``ParleyConfiguration/drainDelay``, in which `/up` answers
    /// 503 and upgrades are refused, and closes every connection within 4 s: the room's with 1001, those of apps with
    /// 4100 and not all at once. Requests to the HTTP API that are under way are answered.
    ///
    /// - Throws: ``ParleyError`` when it can not listen or an option is wrong.
    public func run() async throws {
        let configuration = configuration
        let refusals = RefusalLog(logger)
        let services = ServedProtocols(
            configuration, originPolicy: try originPolicy(nil), logger: logger
        ) { refusals.report($0) }
        defer { services.stop() }
        var web = WebSocketServerConfiguration { services.route(for: $0) }
        web.host = configuration.host
        web.port = configuration.port
        web.http = configuration.http
        web.accept = configuration.accept
        web.proxies = configuration.proxies
        web.outputBudget = services.outputBudget
        web.bodyBudget = configuration.bodyBudget
        web.compressionBudget = configuration.compressionBudget
        web.assemblyBudget = configuration.assemblyBudget
        web.onRefusal = { refusals.report($0) }
        reportTrouble(of: &web)
        web.compression = configuration.compression
        web.respond = { services.answer($0) }
        web.httpService = services.api

        do {
            web.carrier = try configuration.carrier.makeCarrier(loops: configuration.loops ?? ProcessorLimit.count)
        } catch {
            throw ParleyError.noCarrier(error)
        }

        let server = WebSocketServer(configuration: web)
        let bound: BoundAddress
        do {
            bound = try await server.start()
        } catch let error as WebSocketError {
            throw ParleyError.invalidOption("\(error)")
        } catch {
            throw ParleyError.cannotListen(host: configuration.host, port: configuration.port, cause: error)
        }
        reportCapacity(server.webSocketCapacity)
        logger.info("listening", metadata: ["host": "\(configuration.host)", "port": "\(bound.port)"])
        let addresses = ServerAddresses(host: bound.host, port: bound.port)
        // Only now the port is known for sure.
        services.setOriginPolicy(try originPolicy(addresses))
        announce(addresses)
        let trimmer = Task { await MemoryTrimmer.run() }
        defer { trimmer.cancel() }
        let ticker = Task { await services.tickEverySecond() }
        defer { ticker.cancel() }
        try? await gracefulShutdown()
        services.beginDraining()
        server.beginDraining()
        logger.notice("shutting down", metadata: shutdownPlan)
        await drainDelay.wait(configuration.drainDelay)
        await server.stop(within: Self.closingTime)
        services.report(logger)
        logger.info("stopped")
    }

    /// Ends the drain delay of a graceful shutdown at once, or of the next one; connections are closed as always. Any
    /// thread.
    public func endDrainDelay() { drainDelay.end() }

    /// What happens during a graceful shutdown, how long it takes and what makes it shorter.
    private var shutdownPlan: Logger.Metadata {
        guard configuration.drainDelay > .zero else { return ["connections": "closed within \(Self.closingTime)"] }
        return [
            "listening": "for another \(configuration.drainDelay)",
            "connections": "closed within \(Self.closingTime) after that",
            "cure": "a second SIGTERM or SIGINT ends the wait",
        ]
    }

    /// Sees to it that what the server does to peers, and what stops it, is logged.
    private func reportTrouble(of web: inout WebSocketServerConfiguration) {
        let logger = logger
        let slowReaders = SampledLog("slow reader cut off", logger)
        web.onSlowReader = { reader in
            slowReaders.report(
                reason: "\(reader.reason)", ["pendingBytes": "\(reader.pendingBytes)", "peer": "\(reader.peer)"])
        }
        let refusals = SampledLog("connection not let in", logger)
        web.onAcceptRefused = { refusal in
            refusals.report(
                reason: "\(refusal.reason)",
                ["peer": "\(refusal.peer)", "answer": "\(refusal.isAnswered ? "503" : "none, closed")"])
        }
        web.onUntrustedForwarding = { header, peer in
            logger.warning(
                """
                a forwarding header is ignored: all clients of this peer count as one address; if it is a proxy of \
                yours, trust it with --trust-proxy
                """, metadata: ["header": "\(header)", "peer": "\(peer)"])
        }
        let bodies = SampledLog("request body refused", logger)
        web.onBodyRefused = { app, shortage in
            let reason =
                switch shortage {
                case .budget: "the bodies of all apps together take the whole budget"
                case .share: "the bodies of app \(app) take its share, half of what other apps leave of the budget"
                }
            bodies.report(reason: reason, ["app": "\(app)", "option": "--body-budget"])
        }
        web.onAcceptPaused = { pause in
            logger.warning(
                "nobody is accepted for the moment",
                metadata: ["reason": "\(pause.reason)", "connections": "\(pause.connections)"])
        }
        for (limit, words) in [
            (web.accept.maximumConnections, "connections"),
            (web.accept.maximumConnectionsPerAddress, "connections per address"),
            (web.accept.connectionsPerSecond, "new connections a second"),
        ] where limit == nil {
            logger.warning("a limit is switched off", metadata: ["limit": "\(words)"])
        }
    }

    /// Says that there cannot be as many connections as the operator wants.
    private func reportCapacity(_ capacity: Int?) {
        guard let capacity, let wanted = configuration.accept.maximumConnections, capacity < wanted else { return }
        guard wanted != .max else {
            guard capacity < 256 else { return }
            return logger.warning(
                "few connections fit into what the process may open",
                metadata: [
                    "max_connections": "\(capacity)", "cure": "raise the limit on open files (ulimit -n, LimitNOFILE)",
                ])
        }
        logger.warning(
            "max_connections is lowered to what the process may open",
            metadata: [
                "max_connections": "\(wanted)", "lowered_to": "\(capacity)",
                "cure": "raise the limit on open files (ulimit -n, LimitNOFILE)",
            ])
    }

    /// Any origin, unless a list was given; the server's own page may always connect, by an address or a name.
    ///
    /// A server that only this machine reaches has what a stranger's page wants to reach by DNS rebinding: there a name
    /// must be vouched for.
    private func originPolicy(_ addresses: ServerAddresses?) throws -> OriginPolicy {
        guard !configuration.allowedOrigins.isEmpty else { return .any }
        do {
            var policy = try OriginPolicy.allowList(configuration.allowedOrigins + (addresses?.origins ?? []))
            if let addresses {
                policy.ownNames = addresses.isLoopback ? .vouched(ServerAddresses.machineNames) : .any
            }
            return policy
        } catch {
            throw ParleyError.invalidOption("--allow-origin: \(error)")
        }
    }
}

extension ParleyServer: CustomStringConvertible, CustomReflectable {
    /// The name alone: what runs services logs them, and the configuration is nobody's business there.
    public var description: String { "ParleyServer" }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:] as KeyValuePairs<String, Any>) }
}
