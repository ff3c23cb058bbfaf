import Channels
public import Logging
import PusherProtocol
import Reactor
import RoomProtocol
public import ServiceLifecycle
import WebSocketCore
import WebSocketNIO

/// The server: what `parley serve` runs. A service, so that a signal ends it in order.
public struct ParleyServer: Service {
    private let configuration: ParleyConfiguration
    private let logger: Logger
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
        let services = ServedProtocols(
            configuration, originPolicy: try originPolicy(ownOrigins: []), logger: logger)
        defer { services.stop() }
        var web = WebSocketServerConfiguration { services.route(for: $0) }
        web.host = configuration.host
        web.port = configuration.port
        web.http = configuration.http
        web.accept = configuration.accept
        web.proxies = configuration.proxies
        web.outputBudget = services.outputBudget
        web.bodyBudget = configuration.bodyBudget
        reportTrouble(of: &web)
        web.compression = configuration.compression
        web.respond = { services.answer($0) }
        web.httpService = services.api

        do {
            web.carrier = try configuration.carrier.makeCarrier(loops: configuration.loops)
        } catch {
            throw ParleyError.noCarrier(error)
        }

        let server = WebSocketServer(configuration: web)
        let port: Int
        do {
            port = try await server.start().port
        } catch let error as WebSocketError {
            throw ParleyError.invalidOption("\(error)")
        } catch {
            throw ParleyError.cannotListen(host: configuration.host, port: configuration.port, cause: error)
        }
        logger.info("listening", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
        let addresses = ServerAddresses(host: configuration.host, port: port)
        // Only now the port is known for sure.
        services.setOriginPolicy(try originPolicy(ownOrigins: addresses.origins))
        announce(addresses)
        let trimmer = Task { await MemoryTrimmer.run() }
        defer { trimmer.cancel() }
        let ticker = Task { await services.tickEverySecond() }
        defer { ticker.cancel() }
        try? await gracefulShutdown()
        logger.info("shutting down")
        services.beginDraining()
        server.beginDraining()
        try? await Task.sleep(for: configuration.drainDelay)
        await server.stop(within: .seconds(4))
        services.report(logger)
        logger.info("stopped")
    }

    /// Sees to it that what the server does to peers, and what stops it, is logged.
    private func reportTrouble(of web: inout WebSocketServerConfiguration) {
        let logger = logger
        let slowReaders = SampledLog("slow reader cut off", logger)
        web.onSlowReader = { reader in
            slowReaders.warn([
                "reason": "\(reader.reason)", "pendingBytes": "\(reader.pendingBytes)", "peer": "\(reader.peer)",
            ])
        }
        let refusals = SampledLog("connection not let in", logger)
        web.onAcceptRefused = { refusal in
            refusals.warn([
                "reason": "\(refusal.reason)", "peer": "\(refusal.peer)",
                "answer": "\(refusal.isAnswered ? "503" : "none, closed")",
            ])
        }
        web.onUntrustedForwarding = { header, peer in
            logger.warning(
                """
                a forwarding header is ignored: all clients of this peer count as one address; if it is a proxy of \
                yours, trust it with --trust-proxy
                """, metadata: ["header": "\(header)", "peer": "\(peer)"])
        }
        let bodies = SampledLog("request body refused: the budget for bodies is used up", logger)
        web.onBodyRefused = { app in bodies.warn(["app": "\(app)", "option": "--body-budget"]) }
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

    /// Any origin, unless a list was given; the server's own page may always connect.
    private func originPolicy(ownOrigins: [String]) throws -> OriginPolicy {
        guard !configuration.allowedOrigins.isEmpty else { return .any }
        do {
            return try OriginPolicy.allowList(configuration.allowedOrigins + ownOrigins)
        } catch {
            throw ParleyError.invalidOption("--allow-origin: \(error)")
        }
    }
}
