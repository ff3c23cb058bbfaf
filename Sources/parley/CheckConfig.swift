import ArgumentParser
import ParleyServer

/// `parley check-config`: reads a configuration file and says what is wrong in it.
struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration file without serving anything.",
        discussion: """
            Prints one line and ends with 0 when a server can start with the file; otherwise a line for each problem, with \
            its place, and 1. Checks the apps file and the host, too, but not whether the port is free.

            parley check-config parley.yml
            """)

    @Argument(help: "The file.")
    var file: String

    func run() async throws {
        try await Failure.reported {
            let settings = try ConfigurationFile.serverSettings(at: file)
            var lines: [String] = []
            var source: AppSource?
            do {
                // As a service manager starts it: nobody would see the key of an app that cannot be kept.
                let found = try AppSource(settings, for: .check)
                _ = try found.configuration(settings)
                source = found
            } catch let error as ConfigurationError {
                lines += error.lines
            }
            do {
                try await HostCheck.run(settings)
            } catch let error as ParleyError {
                lines.append("\(file): host: \(error)")
            }
            guard let source, lines.isEmpty else { throw ConfigurationError(lines: lines) }
            for path in SecretFile.exposed(file, settings, source) { StandardError.print("parley: \(path.warning)") }
            StandardOutput.print("\(file): in order, \(source.summary(of: settings))")
        }
    }
}
