import ArgumentParser
import ParleyServer

/// `parley check-config`: reads a configuration file and says what is wrong in it.
struct CheckConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration file without serving anything.",
        discussion: """
            Prints one line and ends with 0 when the file is in order; otherwise a line for each thing that is not, with \
            its place, and 1.

            parley check-config parley.yml
            """)

    @Argument(help: "The file.")
    var file: String

    func run() throws {
        try Failure.reported {
            let settings = try ConfigurationFile.serverSettings(at: file)
            _ = try ParleyConfiguration(settings)
            let apps =
                settings.apps.map { $0.apps.count == 1 ? "1 app" : "\($0.apps.count) apps" }
                ?? "apps in a file of their own"
            StandardOutput.print("\(file): in order, \(apps)")
        }
    }
}
