import ArgumentParser
import ExampleOptions
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

/// Talks to an echo server: the asynchronous face of the library.
@main
struct EchoClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "EchoClient",
        abstract: "Sends messages to a WebSocket server and prints what comes back.",
        discussion: """
            EchoClient ws://127.0.0.1:9001 --message hello --message world
            EchoClient --autobahn ws://127.0.0.1:9001 --max-message 67108864 --max-fragments unlimited
            """)

    @Argument(help: "The server's URL: ws://host:port/path.")
    var url: String

    @Option(help: "A text to send; may stand several times.")
    var message: [String] = ["hello"]

    @Option(help: "A subprotocol to offer; may stand several times.")
    var subprotocol: [String] = []

    @Flag(help: "Run the cases of an Autobahn fuzzing server instead, echoing whatever it sends.")
    var autobahn = false

    @OptionGroup var options: LimitOptions

    func run() async throws {
        var configuration = WebSocketClientConfiguration()
        configuration.limits = options.limits
        configuration.compression = DeflateConfiguration(mode: options.compression)
        configuration.subprotocols = subprotocol
        let client = WebSocketClient(configuration: configuration)
        if autobahn {
            try await runCases(client)
        } else {
            try await exchange(client)
        }
    }

    private func exchange(_ client: WebSocketClient) async throws {
        let socket = try await client.connect(to: url)
        for text in message {
            try await socket.send(text)
            switch await socket.receive() {
            case .text(let answer): print(answer)
            case .binary(let answer): print("\(answer.count) bytes")
            case nil: throw ExitCode.failure
            }
        }
        let outcome = await socket.close()
        guard outcome.wasClean else { throw ExitCode.failure }
    }

    /// The protocol of Autobahn's fuzzing server: ask for the number of cases, run each, ask for the report.
    private func runCases(_ client: WebSocketClient) async throws {
        let agent = "agent=parley"
        let counter = try await client.connect(to: "\(url)/getCaseCount")
        var count = 0
        for await case .text(let number) in counter.messages { count = Int(number) ?? 0 }
        for number in 1...max(count, 1) {
            let socket = try await client.connect(to: "\(url)/runCase?case=\(number)&\(agent)")
            for await message in socket.messages {
                do { try await socket.send(message) } catch { break }
            }
            _ = await socket.outcome
        }
        let reports = try await client.connect(to: "\(url)/updateReports?\(agent)")
        _ = await reports.outcome
        print("\(count) cases run")
    }
}
