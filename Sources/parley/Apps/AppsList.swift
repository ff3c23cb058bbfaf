import ArgumentParser
import ParleyServer

/// `parley apps list`.
struct AppsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the apps and their keys, without secrets.")

    @OptionGroup var options: AppsOptions

    func run() throws {
        try Failure.reported {
            for app in try options.load() {
                let keys = app.keys.map(\.key).joined(separator: ", ")
                let remarks = [app.isLenient ? "lenient" : nil, app.isEnabled == false ? "switched off" : nil]
                    .compactMap { $0 }
                let state = remarks.isEmpty ? "" : " (\(remarks.joined(separator: ", ")))"
                StandardOutput.print("app \(app.id) \(app.name ?? app.id)\(state): key \(keys)")
            }
        }
    }
}
