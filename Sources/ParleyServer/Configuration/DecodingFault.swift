import Yams

/// A value of a file that cannot be read as what it should be.
struct DecodingFault {
    /// What the log tells the operator.
    let problem: SettingProblem
    /// Where a stand-in makes the rest readable.
    let place: [String]
    /// What stands there, where a number should be.
    var number: UnreadableNumber?

    /// Puts an error of the decoder into words.
    init(_ error: any Error, in root: Node) {
        func path(_ context: DecodingError.Context) -> [String] { context.codingPath.map(\.settingKey) }
        switch error {
        case let problem as SettingProblem:
            self.init(problem)
        case DecodingError.typeMismatch(let type, let context), DecodingError.valueNotFound(let type, let context):
            self.init(path(context), type, in: root)
        case DecodingError.keyNotFound(let key, let context):
            let words = "lacks \"\(key.stringValue)\""
            self.init(SettingProblem(path(context), words), place: path(context) + [key.settingKey])
        case DecodingError.dataCorrupted(let context):
            self.init(SettingProblem(path(context), "has a value that cannot be read"))
        default:
            self.init(SettingProblem([], "cannot be read"))
        }
    }

    private init(_ problem: SettingProblem, place: [String]? = nil) {
        self.problem = problem
        self.place = place ?? problem.path
    }

    private init(_ path: [String], _ type: Any.Type, in root: Node) {
        // Texts, lists and mappings may hold secrets: what stands there instead is not shown.
        let shown = root.shown(at: path)
        if type == Int.self || type == Double.self {
            let number = UnreadableNumber(text: shown, kind: type == Int.self ? "a whole number" : "a number")
            self.init(SettingProblem(path, number.words))
            self.number = number
        } else if type == Bool.self {
            self.init(SettingProblem(path, "\(shown): give on or off."))
        } else {
            self.init(SettingProblem(path, "must be \(Self.kind(type))"))
        }
    }

    private static func kind(_ type: Any.Type) -> String {
        if type == String.self || type == Node.Scalar.self { return "a single value" }
        if type == Node.Mapping.self { return "a mapping of keys to values" }
        if type == Node.Sequence.self { return "a list" }
        return "something else"
    }
}
