public import Channels

/// How much of each channel is kept, as an operator gives it; what is `nil` has its default.
public struct HistorySettings: Hashable, Sendable, Codable {
    /// Whether anything is kept; `history: off` in the file.
    public var isOn = true
    /// Publications at most.
    public var messages: Int?
    /// For so many seconds.
    public var seconds: Double?
    /// Bytes at most.
    public var bytes: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case messages, seconds, bytes
    }

    /// The defaults.
    public init() {}

    /// Reads the three numbers, or `off`.
    public init(from decoder: any Decoder) throws {
        if let isOn = try? decoder.singleValueContainer().decode(Bool.self) {
            self.isOn = isOn
            return
        }
        guard let container = try? decoder.container(keyedBy: CodingKeys.self) else {
            throw SettingProblem(
                decoder.codingPath.map(\.settingKey), "must be a mapping of messages, seconds and bytes, or off.")
        }
        messages = try container.decodeIfPresent(Int.self, forKey: .messages)
        seconds = try container.decodeIfPresent(Double.self, forKey: .seconds)
        bytes = try container.decodeIfPresent(Int.self, forKey: .bytes)
    }

    /// Writes what was given.
    public func encode(to encoder: any Encoder) throws {
        guard isOn else {
            var container = encoder.singleValueContainer()
            return try container.encode(false)
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(messages, forKey: .messages)
        try container.encodeIfPresent(seconds, forKey: .seconds)
        try container.encodeIfPresent(bytes, forKey: .bytes)
    }

    /// Puts it into a channel's retention.
    public func apply(to retention: inout Retention) {
        guard isOn else {
            retention = .none
            return
        }
        if let messages { retention.publications = messages }
        if let seconds { retention.milliseconds = UInt64(seconds * 1000) }
        if let bytes { retention.bytes = bytes }
    }

    /// What will not do, with the paths below this section.
    func problems() -> [SettingProblem] {
        let problems: [SettingProblem?] = [
            .range(messages, 1...1_000_000, "messages"), .seconds(seconds, 0.1...31_536_000, "seconds"),
            .range(bytes, 1...(1 << 40), "bytes"),
        ]
        return problems.compactMap { $0 }
    }
}
