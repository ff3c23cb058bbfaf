import ParleyServer

/// Where a server's apps come from: its configuration file, the apps file, or the first start.
struct AppSource {
    /// What is served.
    let apps: [AppSettings]
    /// Where an app is to be kept that was made for this start.
    private let draft: AppsFile?

    init(_ settings: ServerSettings) throws {
        let file = AppsFile(path: settings.appsFile ?? AppsFile.defaultPath)
        if let apps = settings.apps?.apps {
            self.apps = apps
            draft = nil
        } else if let apps = try file.load() {
            self.apps = apps
            draft = nil
        } else {
            apps = [.new(id: "1", name: "demo")]
            draft = file
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
                lines.append("The new app can not be kept: \(error). It is gone when the server ends.")
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
