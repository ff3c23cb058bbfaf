public import Logging
import Reactor
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

    /// Serves until a graceful shutdown, then closes every connection with 1001, within 4 s.
    ///
    /// - Throws: ``ParleyError`` when it can not listen or an option is wrong.
    public func run() async throws {
        let configuration = configuration
        let room = RoomService(
            options: configuration.room, limits: configuration.roomLimits,
            originPolicy: try originPolicy(ownOrigins: []))
        var web = WebSocketServerConfiguration { _ in configuration.servesRoom ? room.route : nil }
        web.host = configuration.host
        web.port = configuration.port
        web.http = configuration.http
        web.accept = configuration.accept
        web.outputBudget = configuration.outputBudget
        reportTrouble(of: &web)
        web.compression = configuration.compression
        web.respond = { Self.answer($0, servesRoom: configuration.servesRoom) }

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
        room.setOriginPolicy(try originPolicy(ownOrigins: addresses.origins))
        announce(addresses)
        let trimmer = Task { await MemoryTrimmer.run() }
        defer { trimmer.cancel() }
        try? await gracefulShutdown()
        logger.info("shutting down")
        await server.stop(within: .seconds(4))
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
            refusals.warn(["reason": "\(refusal.reason)", "peer": "\(refusal.peer)"])
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

    /// Any origin, unless a list was given; the server's own page may always connect.
    private func originPolicy(ownOrigins: [String]) throws -> OriginPolicy {
        guard !configuration.allowedOrigins.isEmpty else { return .any }
        do {
            return try OriginPolicy.allowList(configuration.allowedOrigins + ownOrigins)
        } catch {
            throw ParleyError.invalidOption("--allow-origin: \(error)")
        }
    }

    /// What an ordinary request gets.
    private static func answer(_ request: HTTPRequest, servesRoom: Bool) -> HTTPAnswer {
        guard servesRoom else { return .text(404, "The room is switched off on this server.") }
        if let asset = PageAssets.answer(for: request.path) { return asset }
        let asksForUpgrade = TokenList(request.head.fields.values(of: "Upgrade")).contains("websocket")
        guard asksForUpgrade || request.path == "/chat" else {
            return .text(404, "Nothing is here. The chat page is at /.")
        }
        return .text(
            426, "Only WebSocket is spoken here.",
            fields: [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket"), ("Connection", "Upgrade")])
    }
}
