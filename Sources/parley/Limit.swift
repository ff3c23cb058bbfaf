import ArgumentParser

/// A limit on the command line: a number from 1 on, or the word `unlimited`. A 0 would mean nothing to some and
/// everything to others.
enum Limit: ExpressibleByArgument {
    case number(Int)
    case unlimited

    init?(argument: String) {
        if argument == "unlimited" {
            self = .unlimited
        } else if let number = Int(argument), number > 0 {
            self = .number(number)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String { value.map { String($0) } ?? "unlimited" }

    /// The number; `nil` without a limit.
    var value: Int? {
        switch self {
        case .number(let number): return number
        case .unlimited: return nil
        }
    }
}
