import ParleyServer

/// Where a server's apps come from: its configuration file, the apps file, or the first start.
struct AppSource {
    /// What the apps are for.
    enum Purpose {
        /// To find out whether a start would work, as a service manager does it. Leaves no trace.
        case check
        /// To serve them. Without a terminal nobody sees what is printed, and a new app that cannot be kept stops the
        /// start: its key would be another one each time, and nobody would know any of them.
        case start(hasTerminal: Bool)
    }

    private enum Origin {
        case configuration
        case file(AppsFile)
        /// A new app, to be kept once the server listens; until then no other program can make the file.
        case firstStart(AppsFile, AppsFileLock?)
    }

    /// What is served.
    let apps: [AppSettings]
    private let origin: Origin

    /// The apps file, when it was read and has apps.
    var secretsFile: String? {
        if case .file(let file) = origin, !apps.isEmpty { file.path } else { nil }
    }

    /// - Throws: `ConfigurationError`.
    init(_ settings: ServerSettings, for purpose: Purpose) throws {
        let file = AppsFile(path: settings.appsFile ?? AppsFile.defaultPath)
        if let apps = settings.apps?.apps {
            self.apps = apps
            origin = .configuration
        } else if let apps = try file.load() {
            self.apps = apps
            origin = .file(file)
        } else {
            let lock = try Self.prepare(file, for: purpose)
            // Another server that starts here may have made it while this one waited.
            if let apps = try file.load() {
                self.apps = apps
                origin = .file(file)
            } else {
                apps = [.new(id: "1", name: "demo")]
                origin = .firstStart(file, lock)
            }
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
        if case .firstStart(let file, _) = origin { return "apps in \(file.path), which the first start makes" }
        return settings.apps == nil ? "\(count) in \(settings.appsFile ?? AppsFile.defaultPath)" : count
    }

    /// That the configuration has apps of its own, which are not served since the command line names a file of apps;
    /// `nil` when it has none, or they are.
    func unread(_ own: ServerSettings, _ configuration: String?) -> String? {
        guard let configuration, let apps = own.apps?.apps, !apps.isEmpty else { return nil }
        switch origin {
        case .configuration: return nil
        case .file(let file), .firstStart(let file, _):
            return
                "the apps in \(configuration) are not served: --apps-file \(file.path) is given. Leave one of the two out"
        }
    }

    /// Sees to it that the first start can keep its app, and that no other program makes the file meanwhile.
    private static func prepare(_ file: AppsFile, for purpose: Purpose) throws -> AppsFileLock? {
        do {
            switch purpose {
            case .check:
                try file.checkThatItCanBeMade()
                return nil
            case .start(hasTerminal: true):
                // What is wrong there is a warning once the server listens.
                return try? file.lock()
            case .start(hasTerminal: false):
                let lock = try file.lock()
                try file.checkThatItCanBeMade()
                return lock
            }
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
        if case .firstStart(let file, let lock) = origin, let app = apps.first {
            defer { lock?.release() }
            do {
                // A program that takes no lock may have been first.
                let isKept = try file.create(apps)
                if !isKept {
                    lines.append(
                        "Warning: another program has just made \(file.path). The new app ends with this server: restart it "
                            + "to serve the apps of the file.")
                }
                lines.append(AppWords.secret(of: app, in: isKept ? file.path : nil))
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
