import ArgumentParser

/// `parley bench`: puts load on a WebSocket server and checks what it answers.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure any WebSocket server: echo, fan-out, idle connections, handshakes.",
        discussion: """
            Every message is compared in full, its order is checked, and its latency counted. Faults of the server are \
            told, and make the exit status 1.

            parley bench echo ws://127.0.0.1:9001/echo
              200 connections, one message of 64 bytes under way on each

            parley bench fanout ws://127.0.0.1:9001/sub --publish-url ws://127.0.0.1:9001/pub
              one publisher, 1,000 subscribers

            parley bench idle ws://127.0.0.1:9001/ --server-pid 4711
              the server's memory for each of 10,000 connections

            parley bench connect ws://127.0.0.1:9001/
              handshakes a second, and how long one takes

            Give the generator a processor of its own: taskset -c 1 parley bench …
            """,
        subcommands: [BenchEcho.self, BenchFanOut.self, BenchIdle.self, BenchConnect.self])
}
