import ParleyServer

/// Where a server's apps come from: its configuration file, the apps file, or the first start.
struct AppSource {
    /// What is served.
    let apps: [AppSettings]
    /// Where an app is to be kept that was made for this start.
    private let draft: AppsFile?

    /// - Parameter hasTerminal: whether a person sees what is printed. Without one a new app that cannot be kept stops the
    ///   start: its key would be another one each time, and nobody would know any of them.
    init(_ settings: ServerSettings, hasTerminal: Bool) throws {
        let file = AppsFile(path: settings.appsFile ?? AppsFile.defaultPath)
        if let apps = settings.apps?.apps {
            self.apps = apps
            draft = nil
        } else if let apps = try file.load() {
            self.apps = apps
            draft = nil
        } else {
            if !hasTerminal { try Self.checkThatItIsKept(file) }
            apps = [.new(id: "1", name: "demo")]
            draft = file
        }
    }

    private static func checkThatItIsKept(_ file: AppsFile) throws {
        do {
            try file.checkThatItCanBeMade()
        } catch let error as ConfigurationError {
            throw ConfigurationError(
                lines: error.lines.map { line in
                    """
                    \(line): the first start makes an app and cannot keep it in \(AppsFile.workingDirectory). Give a path that \
                    can be written with --apps-file, or a configuration that names the apps or says 'apps: off' with --config
                    """
                })
        }
    }

    /// What the operator is told once the server listens. An app that was made is kept now, and not when the server
    /// could not start: then nobody would have seen its secret.
    func announcement(_ addresses: ServerAddresses) -> [String] {
        var lines: [String] = []
        if let draft, let app = apps.first {
            do {
                // Another server that starts here at the same time may have been first.
                lines.append(AppWords.secret(of: app, in: try draft.create(apps) ? draft.path : nil))
            } catch {
                lines.append(
                    "Warning: \(error): the new app cannot be kept and ends with the server. Name another with --apps-file."
                )
                lines.append(AppWords.secret(of: app, in: nil))
            }
        }
        for app in apps where app.isEnabled != false {
            let keys = app.keys.map(\.key).joined(separator: ", ")
            lines.append("App \(app.id): key \(keys), HTTP API \(addresses.local)apps/\(app.id)/events")
        }
        return lines
    }
}
