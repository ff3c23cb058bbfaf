import ArgumentParser
import LoadGenerator

/// `parley bench echo`.
struct BenchEcho: BenchCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Send messages to a server that sends them back.",
        discussion: """
            Each connection keeps --in-flight messages under way; each echo is compared and followed by a new message.

            parley bench echo ws://127.0.0.1:9001/echo --in-flight 16
              many messages a read: what a message costs without the system calls

            parley bench echo ws://127.0.0.1:9001/echo --connections 50 --size 16384 --server-pid 4711
              larger messages, with the server's processor time
            """)

    @Argument(help: "Where to connect: ws://host:port/path.")
    var url: String

    @Option(help: "Connections, 1 to 1000000.")
    var connections = 200

    @OptionGroup(title: "Messages") var traffic: TrafficOptions

    @OptionGroup(title: "Generator") var options: BenchOptions

    var work: LoadPlan {
        var plan = LoadPlan(.echo, url: url)
        plan.connections = connections
        traffic.apply(to: &plan)
        return plan
    }
}
