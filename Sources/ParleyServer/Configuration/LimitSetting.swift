/// A limit as an operator gives it: a number from 1 on, or the word `unlimited`. A 0 would mean nothing to some and
/// everything to others.
public enum LimitSetting: Hashable, Sendable {
    /// So many at most.
    case number(Int)
    /// No limit.
    case unlimited

    /// Reads a number or the word; `nil` for anything else, and for numbers below 1.
    public init?(_ text: String) {
        if text == "unlimited" {
            self = .unlimited
        } else if let number = Int(text), number > 0 {
            self = .number(number)
        } else {
            return nil
        }
    }

    /// The number; `nil` without a limit.
    public var value: Int? {
        switch self {
        case .number(let number): return number
        case .unlimited: return nil
        }
    }
}

extension LimitSetting: Codable {
    /// Reads a number or the word.
    public init(from decoder: any Decoder) throws {
        let text = try? decoder.singleValueContainer().decode(String.self)
        guard let text, text == "unlimited" || PlainScalars.isDecimal(text), let limit = LimitSetting(text) else {
            let allowed = "a number from 1 on, or 'unlimited'."
            throw SettingProblem(
                decoder.codingPath.map(\.settingKey),
                text.map { "\(LogText.escaped($0)): give \(allowed)" } ?? "must be \(allowed)")
        }
        self = limit
    }

    /// Writes the number or the word.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let number): try container.encode(number)
        case .unlimited: try container.encode("unlimited")
        }
    }
}
