import Yams

/// A file of settings that has been read, with everything that is wrong in it by itself.
public struct ExaminedFile<Settings> {
    private let name: String
    private let root: Node
    private var problems: [(line: Int, words: String)]
    /// The settings without those that will not do; `nil` when nothing can be made of the others.
    public let remaining: Settings?

    init(name: String, remaining: Settings?, found: [(line: Int, words: String)], root: Node) {
        self.name = name
        self.remaining = remaining
        self.root = root
        problems = found
    }

    /// Whether nothing is wrong so far.
    public var isInOrder: Bool { remaining != nil && problems.isEmpty }

    /// Adds what is wrong with a setting outside the file.
    public mutating func note(_ problem: SettingProblem) {
        problems.append((root.line(of: problem.path), "\(problem)"))
    }

    /// The settings.
    ///
    /// - Throws: ``ConfigurationError`` with a line for each problem, in the order of the file.
    public func settings() throws -> Settings {
        if let remaining, isInOrder { return remaining }
        let most = ConfigurationFile.maximumProblems
        var lines = problems.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            .prefix(most).map { "\(name):\($0.element.line): \($0.element.words)" }
        if problems.count >= most { lines.append("\(name): there may be more problems") }
        throw ConfigurationError(lines: lines)
    }
}
