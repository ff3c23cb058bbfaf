public import ArgumentParser
public import Logging
import ParleyServer
public import Reactor
public import RoomProtocol
import ServiceLifecycle
public import WebSocketCompression

/// `parley serve`: runs the server until SIGINT or SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the chat room with its page, and apps that speak the Pusher protocol.",
        discussion: """
            Open the address that it prints in two browsers, take a name, and talk.

            A page opens another room with ?room=NAME.

            Pages written for the tutorial's server connect to ws://HOST:PORT.

            Back ends publish with any Pusher library: the first start makes an app and prints its key and secret once.

            parley serve
              this machine only, port 8080

            parley serve --host 0.0.0.0 --port 9000
              everybody on the network

            parley serve --allow-origin https://example.com
              only pages of that site, and the server's own page

            parley serve --config parley.yml
              options and apps from a file; what is given on the command line wins
            """)

    @Option(
        help: """
            A YAML file: the options under their names with '_' for '-', and apps. 'parley check-config' checks it.
            """)
    var config: String?

    @Option(
        help:
            "The address to listen on. 127.0.0.1 is this machine only, 0.0.0.0 everybody on the network. Default 127.0.0.1."
    )
    var host: String?

    @Option(parsing: .unconditional, help: "The port to listen on; 0 picks a free one. Default 8080.")
    var port: Int?

    @Option(help: "Whether the chat room and its page are served: on or off. Default on.")
    var room: Switch?

    @Option(help: "How a page is told that somebody left: rmove as the tutorial's server, or remove. Default rmove.")
    var roomLeft: RoomOptions.LeftType?

    @Option(help: "Whether apps are served: on or off. Default on.")
    var apps: Switch?

    @Option(
        help: """
            Where the apps are that no configuration file names; given here, it wins over those that one names. It is \
            made at the first start. Default \
            \(AppsFile.defaultPath).
            """)
    var appsFile: String?

    @Option(help: "An origin whose pages may connect, as https://example.com; may stand several times. Default any.")
    var allowOrigin: [String] = []

    @Option(
        help: """
            Compression (permessage-deflate): off, shared (no context takeover), dedicated (a window a connection). \
            Default off.
            """)
    var compression: CompressionMode?

    @Option(
        help: """
            Who carries connections: reactor (plain connections, on Linux), nio, or auto: the reactor where it is. \
            Default auto.
            """)
    var carrier: CarrierKind?

    @Option(
        parsing: .unconditional,
        help: "Threads of the reactor. Default one for each processor that the process may use.")
    var loops: Int?

    @OptionGroup(title: "Limits") var limits: LimitOptions

    @Option(
        help: """
            What is logged to standard error: trace, debug, info, notice, warning, error or critical. Default notice.
            """)
    var logLevel: Logger.Level?

    func validate() throws {
        if let problem = settings.problems().first ?? settings.appsConflict() {
            let option = problem.path.prefix(1).joined().map { $0 == "_" ? "-" : String($0) }.joined()
            throw ValidationError("--\(option) \(problem.words)")
        }
    }

    /// What was given on the command line.
    private var settings: ServerSettings {
        var settings = ServerSettings()
        settings.host = host
        settings.port = port
        settings.room = room?.isOn
        settings.roomLeft = roomLeft
        if apps == .off { settings.apps = .off }
        settings.appsFile = appsFile
        if !allowOrigin.isEmpty { settings.allowOrigin = allowOrigin }
        settings.compression = compression
        settings.carrier = carrier
        settings.loops = loops
        settings.logLevel = logLevel
        limits.apply(to: &settings)
        return settings
    }

    func run() async throws {
        let output = ServerOutput()
        defer { output.flush() }
        try await Failure.reported(configuration: Failure.configuration, print: { output.log.write($0 + "\n") }) {
            let file = try config.map { try ConfigurationFile.serverSettings(at: $0) } ?? ServerSettings()
            try await serve(settings.over(file), file, output)
        }
    }

    private func serve(_ settings: ServerSettings, _ file: ServerSettings, _ output: ServerOutput) async throws {
        let level = settings.logLevel ?? .notice
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler(label: label, stream: output.log)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "parley")
        ProcessorLimit.applyToSwiftNIO()
        let descriptors = DescriptorLimit.raise()
        // It may wait for another program: a signal ends that.
        let source = try AppSource(settings, for: .start(hasTerminal: Terminal.isThere))
        let signals = await SignalWatch(logger)
        var configuration = try source.configuration(settings)
        MemoryBound.divide(among: &configuration, settings, descriptors: descriptors, logger)
        if let words = source.unread(file, config) { logger.warning("\(words)") }
        for exposed in SecretFile.exposed(config, file, source) {
            logger.warning(
                "every user of this machine can read a file that holds secrets",
                metadata: ["file": "\(exposed.path)", "mode": "\(exposed.mode)", "cure": "\(exposed.cure)"])
        }

        let servesRoom = configuration.servesRoom
        let server = ParleyServer(configuration: configuration, logger: logger) { addresses in
            output.announcement.write(Self.announcement(addresses, servesRoom: servesRoom, source))
        }
        var services = ServiceGroupConfiguration(services: [.init(service: server)], logger: logger)
        services.maximumGracefulShutdownDuration = configuration.drainDelay + .seconds(5)
        let group = ServiceGroup(configuration: services)
        let watch = Task {
            await signals.run {
                await group.triggerGracefulShutdown()
            } hasten: {
                server.endDrainDelay()
            }
        }
        defer { watch.cancel() }
        try await group.run()
    }

    private static func announcement(_ addresses: ServerAddresses, servesRoom: Bool, _ source: AppSource) -> String {
        var lines =
            servesRoom ? ["Parley is ready. Open \(addresses.local)"] : ["Parley is ready at \(addresses.local)"]
        let network = addresses.network
        if !network.isEmpty {
            lines.append("Others on the network open:")
            lines += network.map { "  " + $0 }
        }
        lines += source.announcement(addresses)
        lines.append("Stop it with Ctrl-C.")
        return lines.map { $0 + "\n" }.joined()
    }
}

extension CompressionMode: ExpressibleByArgument {}
extension CarrierKind: ExpressibleByArgument {}
extension Logger.Level: @retroactive ExpressibleByArgument {}
extension RoomOptions.LeftType: ExpressibleByArgument {}
