import Logging
import ParleyServer
import PusherProtocol
import WebSocketNIO

/// A whole server on a free port of the loopback, with two apps.
struct RunningParley {
    static let key = PusherKey(key: "key-1", secret: "secret-1")
    static let otherKey = PusherKey(key: "key-2", secret: "secret-2")

    let port: Int

    /// A free port of the loopback, and two apps.
    static var configuration: ParleyConfiguration {
        var configuration = ParleyConfiguration()
        configuration.port = 0
        var app = PusherApp(id: "1", name: "first", keys: [key])
        app.allowsClientEvents = true
        configuration.apps = [app, PusherApp(id: "2", name: "second", keys: [otherKey])]
        configuration.http.requestTimeout = 120_000  // who tests it sets it; elsewhere a slow machine must not meet it
        configuration.http.bodyTimeout = 120_000
        return configuration
    }

    /// The URL of the first app's WebSocket.
    var url: String { "ws://127.0.0.1:\(port)/app/\(Self.key.key)?protocol=7&client=test&version=1.0" }
}

/// Runs `body` with a server, and ends it afterwards as a signal would.
func withParley(
    configure: (inout ParleyConfiguration) -> Void = { _ in }, log: LogRecorder? = nil,
    _ body: (RunningParley) async throws -> Void
) async throws {
    var configuration = RunningParley.configuration
    configure(&configuration)
    let (ports, announced) = AsyncStream<Int>.makeStream()
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let server = ParleyServer(configuration: configuration, logger: log?.logger ?? logger) { announced.yield($0.port) }
    let run = Task {
        defer { announced.finish() }
        try await server.run()
    }
    var result: Result<Void, any Error> = .success(())
    if let port = await ports.first(where: { _ in true }) {
        do { try await body(RunningParley(port: port)) } catch { result = .failure(error) }
    }
    run.cancel()
    try await run.value
    try result.get()
}
