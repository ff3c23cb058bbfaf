import ArgumentParser

/// The command line of the server.
@main
struct Parley: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parley",
        abstract: "A self-hosted real-time server: one command, open the page, talk.",
        version: "parley 0.1.0", subcommands: [Serve.self, Apps.self, CheckConfig.self, Bench.self],
        defaultSubcommand: Serve.self)

    /// On the main thread, before the first descriptor that is opened and the first task that needs another one.
    @MainActor
    static func main() async {
        Streams.openClosed()
        // Other commands take less; what is wrong with the arguments is said below.
        if (try? parseAsRoot()) is Serve { MemoryBound.check() }
        ThreadLimit.check()
        await main(nil)
    }
}
