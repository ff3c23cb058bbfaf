import ParleyServer

/// Where a server's apps come from: its configuration file, the apps file, or the first start.
struct AppSource {
    /// What is served.
    let apps: [AppSettings]
    /// Where an app is to be kept that was made for this start.
    private let draft: AppsFile?
    /// The apps file, when it was read and has apps.
    let secretsFile: String?

    /// - Parameter hasTerminal: whether a person sees what is printed. Without one a new app that cannot be kept stops the
    ///   start: its key would be another one each time, and nobody would know any of them.
    init(_ settings: ServerSettings, hasTerminal: Bool) throws {
        let file = AppsFile(path: settings.appsFile ?? AppsFile.defaultPath)
        if let apps = settings.apps?.apps {
            self.apps = apps
            draft = nil
            secretsFile = nil
        } else if let apps = try file.load() {
            self.apps = apps
            draft = nil
            secretsFile = apps.isEmpty ? nil : file.path
        } else {
            if !hasTerminal { try Self.checkThatItIsKept(file) }
            apps = [.new(id: "1", name: "demo")]
            draft = file
            secretsFile = nil
        }
    }

    /// The whole configuration of a server with these apps.
    ///
    /// - Throws: `ConfigurationError` when the settings and the apps will not do together.
    func configuration(_ settings: ServerSettings) throws -> ParleyConfiguration {
        var complete = settings
        complete.apps = AppListSetting(apps)
        do {
            return try ParleyConfiguration(complete)
        } catch let error as ConfigurationError {
            guard let secretsFile else { throw error }
            throw ConfigurationError(
                lines: error.lines.map { $0.hasPrefix("apps[") ? "\(secretsFile): \($0)" : $0 })
        }
    }

    /// The apps in a few words, with the file that has them if the configuration does not.
    func summary(of settings: ServerSettings) -> String {
        let count = apps.count == 1 ? "1 app" : "\(apps.count) apps"
        if let secretsFile { return "\(count) in \(secretsFile)" }
        if let draft { return "apps in \(draft.path), which the first start makes" }
        return settings.apps == nil ? "\(count) in \(settings.appsFile ?? AppsFile.defaultPath)" : count
    }

    private static func checkThatItIsKept(_ file: AppsFile) throws {
        do {
            try file.checkThatItCanBeMade()
        } catch let error as ConfigurationError {
            throw ConfigurationError(
                lines: error.lines.map { line in
                    """
                    \(line) or apps_file, where the first start keeps the app that it makes; or give a configuration that \
                    names the apps or says 'apps: off' with --config
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
                let isKept = try draft.create(apps)
                if !isKept {
                    lines.append(
                        "Warning: another program has just made \(draft.path). The new app ends with this server: restart it "
                            + "to serve the apps of the file.")
                }
                lines.append(AppWords.secret(of: app, in: isKept ? draft.path : nil))
            } catch {
                lines.append(
                    "Warning: \(error). The new app ends with the server."
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
