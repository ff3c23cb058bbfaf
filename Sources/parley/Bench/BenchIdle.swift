import ArgumentParser
import LoadGenerator
import WebSocketCore

/// `parley bench idle`.
struct BenchIdle: BenchCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Open connections and hold them: what one costs when nothing happens.",
        discussion: """
            The server's memory is read before the first connection and after the time of holding, and the difference \
            divided by the connections.

            parley bench idle ws://127.0.0.1:9001/ --connections 19900 --server-pid 4711

            parley bench idle ws://127.0.0.1:9001/echo --exchange --size 60000 --server-pid 4711
              what a connection keeps after one large message
            """)

    @Argument(help: "Where to connect: ws://host:port/path.")
    var url: String

    @Option(help: "Connections, 1 to 1000000.")
    var connections = 10_000

    @Option(help: "Seconds to hold them, 0 to 300.")
    var hold = 2.0

    @Flag(help: "Send one message on each connection first and wait for its echo.")
    var exchange = false

    @Option(help: "Bytes of that message, 24 to 16777216.")
    var size = 64

    @Flag(help: "Send it as text instead of binary.")
    var text = false

    @OptionGroup(title: "Generator") var options: BenchOptions

    var work: LoadPlan {
        var plan = LoadPlan(.idle, url: url)
        plan.connections = connections
        plan.hold = hold
        plan.exchanges = exchange
        plan.size = size
        plan.kind = text ? .text : .binary
        return plan
    }
}
