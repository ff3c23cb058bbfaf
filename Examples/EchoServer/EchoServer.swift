public import ArgumentParser
import ExampleOptions
import Foundation
public import Reactor
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

/// Sends back whatever it gets: the synchronous face of the library, in one small session.
@main
struct EchoServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "EchoServer", abstract: "A WebSocket server that sends back whatever it gets.")

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port = 9001

    @Option(help: "Who carries connections: reactor (Linux), nio, or auto, the reactor where there is one.")
    var carrier: CarrierKind = .auto

    @Option(help: "Threads of the reactor; by default one for each processor.")
    var loops: Int?

    @OptionGroup var options: LimitOptions

    /// One connection: called on its loop's thread only, so that it needs no lock and no task.
    final class Echo: WebSocketSession {
        private var connection: WebSocketConnection?

        override func opened(_ connection: WebSocketConnection) { self.connection = connection }

        override func received(_ kind: MessageKind, _ payload: RawSpan) { connection?.send(kind, payload) }

        override func closed(_ outcome: CloseOutcome) { connection = nil }
    }

    func run() async throws {
        let limits = options.limits
        var configuration = WebSocketServerConfiguration { _ in
            WebSocketRoute(limits: limits) { _ in Echo() }
        }
        configuration.host = host
        configuration.port = port
        configuration.compression = DeflateConfiguration(mode: options.compression)
        configuration.accept = .unlimited  // it is there to be tested, by as many as like
        configuration.carrier = try carrier.makeCarrier(loops: loops)
        let server = WebSocketServer(configuration: configuration)
        let address = try await server.start()
        print("listening on ws://\(address.host):\(address.port)")
        fflush(nil)  // at once, also through a pipe
        try await Task.sleep(for: .seconds(365 * 24 * 3600))
    }
}

extension CarrierKind: ExpressibleByArgument {}
