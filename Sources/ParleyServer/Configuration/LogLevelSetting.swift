import Logging

/// The word of `--log-level` in a configuration file.
struct LogLevelSetting: Sendable, Decodable {
    var level: Logger.Level

    init(_ level: Logger.Level) { self.level = level }

    /// Reads one of the levels.
    init(from decoder: any Decoder) throws { level = try Choice.decode(from: decoder) }
}
