import Foundation
import Yams

/// Reads YAML files with settings: what is wrong in them is told with its line, and nothing of it is taken.
public enum ConfigurationFile {
    /// Reads the file of `parley serve --config`.
    ///
    /// - Throws: ``ConfigurationError``, also when the file can not be read.
    public static func serverSettings(at path: String) throws -> ServerSettings {
        try serverSettings(in: try text(of: path), name: path)
    }

    /// Reads such a file's text; `name` is what errors call it.
    ///
    /// - Throws: ``ConfigurationError``.
    public static func serverSettings(in text: String, name: String) throws -> ServerSettings {
        try read(ServerSettings.self, ServerSettings.schema, text, name: name) { $0.problems() }
    }

    /// Reads a file of apps.
    ///
    /// - Throws: ``ConfigurationError``.
    static func apps(in text: String, name: String) throws -> [AppSettings] {
        try read(AppsFile.Content.self, AppsFile.Content.schema, text, name: name) {
            AppSettings.problems(in: $0.apps).map { SettingProblem(["apps"] + $0.path, $0.words) }
        }.apps
    }

    /// The text of a file.
    static func text(of path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            guard count > 0 else { break }
            text += buffer[..<count]
            guard text.count <= maximumBytes else {
                throw ConfigurationError(lines: ["\(path): longer than \(maximumBytes) bytes"])
            }
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw ConfigurationError(lines: ["\(path): this is no UTF-8"])
        }
        return string
    }

    /// A file of settings is a few hundred lines long.
    private static let maximumBytes = 4 << 20

    private static func unreadable(_ path: String, _ code: Int32) -> ConfigurationError {
        ConfigurationError(lines: ["\(path): \(String(cString: strerror(code)))"])
    }

    private static func read<Value: Decodable>(
        _ type: Value.Type, _ schema: KeySchema, _ text: String, name: String, check: (Value) -> [SettingProblem]
    ) throws -> Value {
        let root: Node
        do {
            // A file of comments alone says that everything has its default.
            root = PlainScalars.applied(to: try Yams.compose(yaml: text) ?? Node([(Node, Node)]()), schema)
        } catch {
            throw ConfigurationError(lines: [syntaxError(error, name)])
        }
        let unknown = unknownKeys(root, schema).map { "\(name):\($0.line): \($0.words)" }
        let value: Value
        do {
            value = try YAMLDecoder().decode(type, from: root)
        } catch {
            let problem = problem(error)
            let line = line(of: problem.path, in: root)
            // A key that is missing may well be there with a typing error.
            throw ConfigurationError(lines: unknown + ["\(name):\(line): \(problem)"])
        }
        let problems = check(value).map { "\(name):\(line(of: $0.path, in: root)): \($0)" }
        guard unknown.isEmpty, problems.isEmpty else { throw ConfigurationError(lines: unknown + problems) }
        return value
    }

    // MARK: - Words

    /// A line for a file that is no YAML. The library's own words would show what stands there.
    private static func syntaxError(_ error: any Error, _ name: String) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "\(name):\(mark.line): this is no YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            return "\(name):\(context.mark.line): the key \"\(shown(duplicates.first ?? ""))\" stands there twice"
        case .reader(let problem, _, _, _):
            return "\(name): this is no YAML: \(problem)"
        default:
            return "\(name): this is no YAML"
        }
    }

    private static func problem(_ error: any Error) -> SettingProblem {
        func path(_ context: DecodingError.Context) -> [String] { context.codingPath.map(\.settingKey) }
        switch error {
        case let problem as SettingProblem:
            return problem
        case DecodingError.typeMismatch(let type, let context):
            return SettingProblem(path(context), "must be \(kind(type))")
        case DecodingError.valueNotFound(let type, let context):
            return SettingProblem(path(context), "must be \(kind(type)), and is empty")
        case DecodingError.keyNotFound(let key, let context):
            return SettingProblem(path(context), "lacks \"\(key.stringValue)\"")
        case DecodingError.dataCorrupted(let context):
            return SettingProblem(path(context), "has a value that can not be read")
        default:
            return SettingProblem([], "can not be read")
        }
    }

    private static func kind(_ type: Any.Type) -> String {
        if type == Int.self || type == UInt32.self { return "a whole number" }
        if type == Double.self { return "a number" }
        if type == Bool.self { return "on or off" }
        if type == String.self || type == Node.Scalar.self { return "a single value" }
        if type == Node.Mapping.self { return "a section of keys and values" }
        if type == Node.Sequence.self { return "a list" }
        return "something else"
    }

    // MARK: - Places

    private static func unknownKeys(_ node: Node, _ schema: KeySchema) -> [(line: Int, words: String)] {
        switch (schema, node) {
        case (.section(let keys), .mapping(let mapping)):
            return mapping.flatMap { key, value -> [(line: Int, words: String)] in
                let name = key.string ?? ""
                if let nested = keys[name] { return unknownKeys(value, nested) }
                let near = KeySchema.suggestion(for: name, among: keys.keys)
                let hint = near.map { "; did you mean \"\($0)\"?" } ?? ""
                return [(key.mark?.line ?? 1, "unknown key \"\(shown(name))\"\(hint)")]
            }
        case (.list(let element), .sequence(let sequence)):
            return sequence.flatMap { unknownKeys($0, element) }
        default:
            return []
        }
    }

    /// What somebody wrote as a key, fit for one line on a terminal.
    private static func shown(_ key: String) -> String {
        let printable = key.unicodeScalars.prefix(60).map {
            $0.isASCII && $0.value >= 0x20 && $0.value != 0x7F ? $0 : "?"
        }
        return String(String.UnicodeScalarView(printable))
    }

    /// The line on which a setting stands, or the last section on the way to it.
    private static func line(of path: [String], in root: Node) -> Int {
        var node = root
        var line = root.mark?.line ?? 1
        for key in path {
            switch node {
            case .mapping(let mapping):
                guard let pair = mapping.first(where: { $0.key.string == key }) else { return line }
                line = pair.key.mark?.line ?? line
                node = pair.value
            case .sequence(let sequence):
                guard let index = Int(key), sequence.indices ~= index else { return line }
                node = sequence[index]
                line = node.mark?.line ?? line
            case .scalar, .alias:
                return line
            }
        }
        return line
    }
}
