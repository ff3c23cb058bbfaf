import ArgumentParser
import Foundation
import ParleyServer
import Reactor
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

/// The server that load generators drive: echo and fan-out through the library's own sessions and channels, with
/// nothing around them.
@main
struct LoadTarget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load-target",
        abstract: "A WebSocket server for load generators: echo and fan-out, without limits on rates and connections.",
        discussion: """
            What a connection does is settled by the last part of its path:
              /sub      gets what is published
              /pub      publishes what it sends, text or binary
              /control  echoes, and allocates memory exactly once per message
              others    echo
            A path that begins with /pusher/ makes a Pusher connection of the server's:
              /pusher/sub      subscribes to a channel as soon as it is open
              /pusher/recover  the same, and asks for positions
              /pusher/pub      publishes what it sends to that channel, through the engine
              /pusher/api      publishes as a back end: a message is the query of a signed POST /apps/1/events, a line
                               feed and the body
            A path that begins with /member/ makes an echoing connection a subscriber as well.
            GET /stats answers with the process's counters in JSON; GET /stats?restart also begins the longest absence anew.
            """)

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port = 9001

    @Option(help: "Who carries connections: reactor (Linux), nio, or auto, the reactor where there is one.")
    var carrier: CarrierKind = .auto

    @Option(help: "Event loops, each with a thread of its own.")
    var loops = 1

    @Option(help: "permessage-deflate: off, shared (no context takeover) or dedicated (a window per connection).")
    var compression: CompressionMode = .off

    @Option(help: "Largest message in bytes, after decompression.")
    var maxMessage = 64 * 1024 * 1024

    @Flag(help: "Measure how long SwiftNIO's loops are absent, by a beat of 1 ms. (The reactor always does.)")
    var watch = false

    @Flag(help: "Do not give memory back at rest: what is counted must not depend on the time that it takes.")
    var keepMemory = false

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is a number from 0 to 65535.") }
        guard (1...256).contains(loops) else { throw ValidationError("--loops is a number from 1 to 256.") }
        guard maxMessage > 0 else { throw ValidationError("--max-message is a number of bytes from 1 on.") }
    }

    func run() async throws {
        DescriptorLimit.raise()
        var limits = ConnectionLimits()
        limits.setMaximumMessage(bytes: maxMessage)
        limits.maximumFragments = .max
        limits.messagesPerSecond = nil
        limits.controlFramesPerSecond = nil
        limits.pingInterval = 600_000  // what is counted may run for long under valgrind, with a client that is simple
        let server = LoadServer(
            host: host, port: port, carrier: carrier, loops: loops, compression: compression, limits: limits,
            watches: watch)
        let address: BoundAddress
        do {
            address = try await server.start()
        } catch {
            throw ValidationError("Can not listen on \(host):\(port): \(error). A port in use? --port 0 picks one.")
        }
        print("listening on ws://\(address.host):\(address.port) pid \(ProcessInfo.processInfo.processIdentifier)")
        fflush(nil)  // at once, also through a pipe
        if !keepMemory { Task { await MemoryTrimmer.run() } }  // as `parley serve` does
        try await Task.sleep(for: .seconds(365 * 24 * 3600))
    }
}
