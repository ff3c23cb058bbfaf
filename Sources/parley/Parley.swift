import ArgumentParser

/// The command line of the server.
@main
struct Parley: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parley",
        abstract: "A self-hosted real-time server: one command, open the page, talk.",
        version: "parley 0.1.0", subcommands: [Serve.self, Apps.self, CheckConfig.self, Bench.self],
        defaultSubcommand: Serve.self)
}
