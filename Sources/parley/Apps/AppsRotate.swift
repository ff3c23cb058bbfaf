import ArgumentParser
import ParleyServer

/// `parley apps rotate`.
struct AppsRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Give an app a new key and secret, which are shown once.",
        discussion: """
            The old pairs stay valid until they are dropped, so that back ends and clients can change over one by one.

            parley apps rotate 1
            parley apps rotate 1 --drop-old
              drops all pairs but the newest
            """)

    @Argument(help: "The app's id.")
    var id: String

    @Flag(help: "Drop all pairs but the newest, instead of adding one.")
    var dropOld = false

    @OptionGroup var options: AppsOptions

    func run() throws {
        try Failure.reported { try options.file.exclusively { try rotate() } }
    }

    private func rotate() throws {
        var apps = try options.load()
        guard let index = apps.firstIndex(where: { $0.id == id }) else {
            throw ConfigurationError(lines: ["\(options.appsFile): there is no app \"\(id)\""])
        }
        if dropOld {
            apps[index].keys = apps[index].keys.suffix(1)
            try options.file.replace(apps)
            StandardOutput.print(
                "App \(id) has the key \(apps[index].keys.map(\.key).joined()) alone now. A running server takes the old ones until it is restarted."
            )
        } else {
            apps[index].keys.append(.random())
            try options.file.replace(apps)
            try StandardOutput.show(
                AppWords.secret(of: apps[index], in: options.appsFile),
                orElse: "app \(id) has a new key, which stands with its secret in \(options.appsFile)")
        }
    }
}
