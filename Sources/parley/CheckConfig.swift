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
              for 'parley serve --config parley.yml'

            parley check-config parley.yml --apps-file /var/lib/parley/parley.apps.yml
              for 'parley serve' with both options
            """)

    @Argument(help: "The file.")
    var file: String

    @Option(help: "The apps file that 'parley serve' is given beside it.")
    var appsFile: String?

    func run() async throws {
        try await Failure.reported {
            var examined = try ConfigurationFile.examined(at: file)
            guard let own = examined.remaining else {
                _ = try examined.settings()
                return
            }
            var given = ServerSettings()
            given.appsFile = appsFile
            let settings = given.over(own)
            let isInOrder = examined.isInOrder
            if let problem = await HostCheck.problem(of: settings) { examined.note(problem) }
            var lines: [String] = []
            var source: AppSource?
            do {
                // As a service manager starts it: nobody would see the key of an app that cannot be kept.
                let found = try AppSource(settings, for: .check)
                if isInOrder { _ = try found.configuration(settings) }
                source = found
            } catch let error as ConfigurationError {
                lines = error.lines
            }
            do {
                _ = try examined.settings()
            } catch let error as ConfigurationError {
                lines = error.lines + lines
            }
            guard let source, lines.isEmpty else { throw ConfigurationError(lines: lines) }
            if let words = source.unread(own, file) { StandardError.print("parley: warning: \(words)") }
            for path in SecretFile.exposed(file, own, source) { StandardError.print("parley: \(path.warning)") }
            StandardOutput.print("\(file): in order, \(source.summary(of: settings))")
        }
    }
}
