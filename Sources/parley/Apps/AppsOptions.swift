import ArgumentParser
import ParleyServer

/// Options of every `parley apps`.
struct AppsOptions: ParsableArguments {
    @Option(help: "The file in which the apps are.")
    var appsFile = AppsFile.defaultPath

    var file: AppsFile { AppsFile(path: appsFile) }

    /// The apps that are there.
    func load() throws -> [AppSettings] {
        guard let apps = try file.load() else {
            throw ConfigurationError(
                lines: [
                    "\(appsFile): there is no such file; make one with 'parley apps create', or name it with --apps-file"
                ])
        }
        return apps
    }
}
