import ArgumentParser
import ParleyServer

/// `parley apps create`.
struct AppsCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create an app; its key and secret are shown once.")

    @Option(help: "What people call it.")
    var name: String?

    @Option(help: "What the HTTP API calls it: letters, digits, '-' and '_'. Default the next free number.")
    var id: String?

    @Flag(help: "Clients may send events to each other.")
    var clientEvents = false

    @OptionGroup var options: AppsOptions

    func validate() throws {
        if let id, let words = AppSettings.problem(withID: id) { throw ValidationError("--id '\(id)' \(words)") }
        // What stands there may be long, or change the terminal: it is not shown.
        if let name, let words = AppSettings.problem(withName: name) { throw ValidationError("--name \(words)") }
    }

    func run() throws {
        try Failure.reported { try options.file.exclusively { try create() } }
    }

    private func create() throws {
        let apps = try options.file.load()
        var app = AppSettings.new(id: id ?? nextID(apps ?? []), name: name)
        if clientEvents { app.allowsClientEvents = true }
        let changed = (apps ?? []) + [app]
        if let id, apps?.contains(where: { $0.id == id }) == true {
            throw ValidationError("--id '\(id)': \(options.appsFile) has an app with this id. Choose another.")
        }
        if let problem = AppSettings.problems(in: changed).first {
            throw ConfigurationError(lines: ["\(options.appsFile): \(problem)"])
        }
        if apps == nil {
            guard try options.file.create(changed) else {
                throw ConfigurationError(lines: ["\(options.appsFile): another program has just made it; try again"]
                )
            }
        } else {
            try options.file.replace(changed)
        }
        try StandardOutput.show(
            AppWords.secret(of: app, in: options.appsFile),
            orElse: "app \(app.id) was made, and its key and secret stand in \(options.appsFile)")
    }

    private func nextID(_ apps: [AppSettings]) -> String {
        let taken = Set(apps.map(\.id))
        return (1...apps.count + 1).map { String($0) }.first { !taken.contains($0) } ?? "1"
    }
}
