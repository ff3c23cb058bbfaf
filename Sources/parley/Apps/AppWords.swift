import ParleyServer

/// What people are told about apps.
enum AppWords {
    /// The newest pair of an app, which nobody is told again.
    static func secret(of app: AppSettings, in file: String?) -> String {
        guard let pair = app.keys.last else { return "" }
        let place = file.map { "They are in \($0), which only you can read." } ?? "They are nowhere else."
        return """
            App \(app.id) has a new key and secret, which are shown this once. \(place)
              app_id: \(app.id)
              key:    \(pair.key)
              secret: \(pair.revealedSecret)
            """
    }
}
