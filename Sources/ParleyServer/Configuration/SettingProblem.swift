/// A setting whose value will not do, in words for the operator.
public struct SettingProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where the setting stands: the keys of the file from the top down, and numbers from 0 on in lists.
    public var path: [String]
    /// Cause and cure; it begins with the value, and never shows a secret.
    public var words: String
    /// Settings that it is weighed against: a problem of one of them hides this one, which it may have caused.
    var others: [[String]] = []

    /// Composes a problem.
    public init(_ path: [String], _ words: String) {
        self.path = path
        self.words = words
    }

    /// The problem seen from further up in the file.
    func below(_ prefix: [String]) -> SettingProblem {
        var problem = SettingProblem(prefix + path, words)
        problem.others = others.map { prefix + $0 }
        return problem
    }

    /// The problem as one that other settings may have caused.
    func weighed(against others: [String]...) -> SettingProblem {
        var problem = self
        problem.others = others
        return problem
    }

    /// The setting as it is written in the file, and the words.
    public var description: String { path.isEmpty ? words : "\(Self.name(of: path)) \(words)" }

    /// For example `apps[0].keys`.
    static func name(of path: [String]) -> String {
        var name = ""
        for key in path {
            if key.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) {
                name += "[\(key)]"
            } else {
                name += name.isEmpty ? key : ".\(key)"
            }
        }
        return name
    }
}

extension SettingProblem {
    /// That a number is outside its range; `nil` when it is inside, or not there.
    static func range(_ value: Int?, _ range: ClosedRange<Int>, _ path: String...) -> SettingProblem? {
        guard let value, !(range ~= value) else { return nil }
        let words =
            range.upperBound == .max
            ? "give a number from \(range.lowerBound) on"
            : "give a number from \(range.lowerBound) to \(range.upperBound)"
        return SettingProblem(path, "\(value): \(words).")
    }

    /// That a limit is outside its range; `nil` when it is inside, not there or `unlimited`.
    static func range(_ value: LimitSetting?, _ range: ClosedRange<Int>, _ path: String...) -> SettingProblem? {
        guard case .number(let number) = value, !(range ~= number) else { return nil }
        let words =
            range.upperBound == .max
            ? "give a number from \(range.lowerBound) on"
            : "give a number from \(range.lowerBound) to \(range.upperBound)"
        return SettingProblem(path, "\(number): \(words), or 'unlimited'.")
    }

    /// That a time in seconds is outside its range; `nil` when it is inside, or not there.
    static func seconds(
        _ value: Double?, _ range: ClosedRange<Double>, _ path: String...
    ) -> SettingProblem? {
        guard let value, !(range ~= value) else { return nil }
        return SettingProblem(
            path, "\(value): give seconds from \(shown(range.lowerBound)) to \(shown(range.upperBound)).")
    }

    private static func shown(_ seconds: Double) -> String {
        Int(exactly: seconds).map { String($0) } ?? String(seconds)
    }
}
