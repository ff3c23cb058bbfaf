public import ArgumentParser
public import Logging
import ParleyServer
public import Reactor
public import RoomProtocol
import ServiceLifecycle
import UnixSignals
public import WebSocketCompression

/// `parley serve`: runs the server until SIGINT or SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the chat room and its page.",
        discussion: """
            Open the address that it prints in two browsers, take a name, and talk.

            A page opens another room with ?room=NAME.

            Pages written for the tutorial's server connect to ws://HOST:PORT.

            parley serve
              this machine only, port 8080

            parley serve --host 0.0.0.0 --port 9000
              everybody on the network

            parley serve --allow-origin https://example.com
              only pages of that site, and the server's own page
            """)

    @Option(help: "The address to listen on. 127.0.0.1 is this machine only, 0.0.0.0 everybody on the network.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port = 8080

    @Option(help: "Whether the chat room and its page are served: on or off.")
    var room: Switch = .on

    @Option(help: "How a page is told that somebody left: rmove as the tutorial's server, or remove.")
    var roomLeft: RoomOptions.LeftType = .rmove

    @Option(help: "An origin whose pages may connect, as https://example.com; may stand several times. Default any.")
    var allowOrigin: [String] = []

    @Option(
        help: "Compression (permessage-deflate): off, shared (no context takeover), dedicated (a window a connection).")
    var compression: CompressionMode = .off

    @Option(
        help: "Who carries connections: reactor (plain connections, on Linux), nio, or auto: the reactor where it is.")
    var carrier: CarrierKind = .auto

    @Option(help: "Threads of the reactor. Default one for each processor.")
    var loops: Int?

    @OptionGroup(title: "Limits") var limits: LimitOptions

    @Option(help: "What is logged to standard error: trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .notice

    func validate() throws {
        guard 0...65535 ~= port else {
            throw ValidationError("--port \(port): a port is a number from 0 to 65535.")
        }
        if let loops, !(1...1024 ~= loops) {
            throw ValidationError("--loops \(loops): give a number from 1 to 1024.")
        }
    }

    func run() async throws {
        let level = logLevel
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "parley")
        var configuration = ParleyConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.servesRoom = room == .on
        configuration.allowedOrigins = allowOrigin
        configuration.compression = DeflateConfiguration(mode: compression)
        configuration.room.leftType = roomLeft
        configuration.carrier = carrier
        configuration.loops = loops
        limits.apply(to: &configuration)
        DescriptorLimit.raise(logger)

        let servesRoom = configuration.servesRoom
        let server = ParleyServer(configuration: configuration, logger: logger) { addresses in
            Self.announce(addresses, servesRoom: servesRoom)
        }
        var group = ServiceGroupConfiguration(
            services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(5)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as ParleyError {
            StandardError.print("parley: \(error)")
            throw ExitCode.failure
        }
    }

    private static func announce(_ addresses: ServerAddresses, servesRoom: Bool) {
        var lines =
            servesRoom ? ["Parley is ready. Open \(addresses.local)"] : ["Parley is ready at \(addresses.local)"]
        let network = addresses.network
        if !network.isEmpty {
            lines.append("Others on the network open:")
            lines += network.map { "  " + $0 }
        }
        lines.append("Stop it with Ctrl-C.")
        StandardOutput.print(lines.joined(separator: "\n"))
    }
}

extension CompressionMode: ExpressibleByArgument {}
extension CarrierKind: ExpressibleByArgument {}
extension Logger.Level: @retroactive ExpressibleByArgument {}
extension RoomOptions.LeftType: ExpressibleByArgument {}
