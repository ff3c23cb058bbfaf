/// The apps of a configuration file: a list, or `off` for none.
public struct AppListSetting: Sendable, Decodable {
    /// The apps; none when they are switched off.
    public var apps: [AppSettings]

    /// A list of apps.
    public init(_ apps: [AppSettings]) { self.apps = apps }

    /// No apps at all.
    public static let off = AppListSetting([])

    /// Reads a list, or `off`.
    public init(from decoder: any Decoder) throws {
        if let isOn = try? decoder.singleValueContainer().decode(Bool.self) {
            guard !isOn else {
                throw SettingProblem(decoder.codingPath.map(\.settingKey), "on: give a list of apps, or off.")
            }
            self = .off
        } else {
            guard (try? decoder.unkeyedContainer()) != nil else {
                throw SettingProblem(decoder.codingPath.map(\.settingKey), "must be a list of apps, or off.")
            }
            apps = try decoder.singleValueContainer().decode([AppSettings].self)
        }
    }
}
