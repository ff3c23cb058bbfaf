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

    private static func count(_ apps: [AppSettings]) -> String { apps.count == 1 ? "1 app" : "\(apps.count) apps" }

    func run() throws {
        try Failure.reported {
            let settings = try ConfigurationFile.serverSettings(at: file)
            _ = try ParleyConfiguration(settings)
            if let apps = settings.apps?.apps {
                return StandardOutput.print("\(file): in order, \(Self.count(apps))")
            }
            // The start reads it as well, from the same directory.
            let appsFile = AppsFile(path: settings.appsFile ?? AppsFile.defaultPath)
            let apps =
                try appsFile.load().map { "\(Self.count($0)) in \(appsFile.path)" }
                ?? "apps in \(appsFile.path), which the first start makes"
            StandardOutput.print("\(file): in order, \(apps)")
        }
    }
}
