import ArgumentParser
import LoadGenerator

/// `parley bench connect`.
struct BenchConnect: BenchCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Open and close connections: handshakes a second, and how long one takes.",
        discussion: """
            The time runs from connecting to the server's 101. Then the connection is closed with a closing handshake, \
            and the next one begins.

            parley bench connect ws://127.0.0.1:9001/ --connections 50000 --concurrency 64
            """)

    @Argument(help: "Where to connect: ws://host:port/path.")
    var url: String

    @Option(help: "Connections, 1 to 1000000.")
    var connections = 10_000

    @OptionGroup(title: "Generator") var options: BenchOptions

    var work: LoadPlan {
        var plan = LoadPlan(.connect, url: url)
        plan.connections = connections
        return plan
    }
}
