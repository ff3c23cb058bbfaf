import WebSocketCompression
import WebSocketCore
import WebSocketNIO

/// A server on a free port of the loopback.
struct TestServer {
    let server: WebSocketServer
    let port: Int
    /// The logs of the sessions, in the order of their upgrade.
    let sessions: Mailbox<SessionLog>

    var url: String { "ws://127.0.0.1:\(port)/" }
}

/// Runs `body` with a server that echoes (or only logs), and stops the server afterwards.
func withServer(
    echoes: Bool = true, handshake: ServerHandshake = ServerHandshake(), limits: ConnectionLimits = .wide,
    configure: (inout WebSocketServerConfiguration) -> Void = { _ in },
    _ body: (TestServer) async throws -> Void
) async throws {
    let sessions = Mailbox<SessionLog>()
    let route = WebSocketRoute(handshake: handshake, limits: limits) { request in
        let log = SessionLog()
        sessions.put(log)
        return LoggingSession(log, subprotocol: request.subprotocol, echoes: echoes, loop: request.loop)
    }
    var configuration = WebSocketServerConfiguration { $0.target.hasPrefix("/plain") ? nil : route }
    configuration.port = 0
    configuration.carrier = try TestCarrier.make()
    configuration.http.requestTimeout = 120_000  // who tests it sets it; elsewhere a slow machine must not meet it
    configure(&configuration)
    let server = WebSocketServer(configuration: configuration)
    let address = try await server.start()
    do {
        try await body(TestServer(server: server, port: address.port, sessions: sessions))
    } catch {
        await server.stop(within: .zero)
        throw error
    }
    await server.stop(within: .zero)
}
