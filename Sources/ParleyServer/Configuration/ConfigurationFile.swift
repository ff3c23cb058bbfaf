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
        try examined(text, name: name).settings()
    }

    /// Reads such a file and finds everything that is wrong in it by itself.
    ///
    /// - Throws: ``ConfigurationError`` when there is nothing to look at: no file, or no YAML.
    public static func examined(at path: String) throws -> ExaminedFile<ServerSettings> {
        try examined(try text(of: path), name: path)
    }

    private static func examined(_ text: String, name: String) throws -> ExaminedFile<ServerSettings> {
        try read(ServerSettings.self, ServerSettings.schema, text, name: name) {
            $0.rangeProblems()
        } weigh: {
            $0.conflicts() + [$0.appsConflict()].compactMap { $0 }
        }
    }

    /// Reads a file of apps.
    ///
    /// - Throws: ``ConfigurationError``.
    static func apps(in text: String, name: String) throws -> [AppSettings] {
        try read(AppsFile.Content.self, AppsFile.Content.schema, text, name: name) {
            AppSettings.problems(in: $0.apps).map { $0.below(["apps"]) }
        } weigh: {
            AppSettings.conflicts(in: $0.apps).map { $0.below(["apps"]) }
        }.settings().apps
    }

    /// The text of a file.
    static func text(of path: String) throws -> String {
        let kind = kind(of: path)
        guard kind != S_IFIFO else {
            throw ConfigurationError(lines: [
                "\(path): a named pipe, which may never be written. Name a regular file, or pass the text through /dev/stdin"
            ])
        }
        // A device may give what it has and wait for more.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (kind == S_IFCHR ? O_NONBLOCK : 0))
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
        // The byte order mark of some editors.
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw ConfigurationError(lines: ["\(path): not valid UTF-8"])
        }
        return string
    }

    /// The most problems of one file that are told.
    static let maximumProblems = 100
    /// A file of settings is a few hundred lines long.
    private static let maximumBytes = 4 << 20

    /// What kind of file it is, as the bits of its mode say; `nil` when there is none, or it is a descriptor that the process
    /// already has: a shell's process substitution and redirection are such, and do not wait to be opened.
    private static func kind(of path: String) -> mode_t? {
        let isDescriptor =
            path == "/dev/stdin" || path.hasPrefix("/dev/fd/") || path.hasPrefix("/proc/") && path.contains("/fd/")
        var status = stat()
        return !isDescriptor && stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func unreadable(_ path: String, _ code: Int32) -> ConfigurationError {
        let cause = String(cString: strerror(code))
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
        let words =
            switch code {
            case ENOENT where target != nil:
                "a link to \(target ?? ""), which is not there (\(cause)). Remove the link, or make it lead to a file"
            case ENOENT: "\(cause). Name a file that exists"
            case EACCES: "\(cause). Let this user read it"
            case EISDIR: "\(cause). Name a file"
            case EAGAIN: "a device that gives no text at the moment. Name a regular file"
            default: cause
            }
        return ConfigurationError(lines: ["\(path): \(words)"])
    }

    /// - Parameters:
    ///   - check: finds values that will not do by themselves.
    ///   - weigh: finds values that will not do together.
    private static func read<Value: Decodable>(
        _ type: Value.Type, _ schema: KeySchema, _ text: String, name: String, check: (Value) -> [SettingProblem],
        weigh: (Value) -> [SettingProblem]
    ) throws -> ExaminedFile<Value> {
        let root: Node
        do {
            // A file of comments alone says that everything has its default.
            root = PlainScalars.applied(to: try Yams.compose(yaml: text) ?? Node([(Node, Node)]()), schema)
        } catch {
            throw ConfigurationError(lines: [syntaxError(error, name)])
        }
        var found = unknownKeys(root, schema)
        var reader = SettingReader<Value>(root)
        var remaining = reader.value()
        if let value = remaining {
            reader.note(check(value))
            reader.withdrawFaulty()
            remaining = reader.value()
            if let remaining { reader.note(weigh(remaining)) }
        }
        // A value that is there and says nothing would be the default, which may be the opposite of what was meant.
        let words = "has no value: give one, or leave the key out."
        reader.note(emptyPlaces(root, schema).map { SettingProblem($0, words) })
        found += reader.problems.map { (root.line(of: $0.path), "\($0)") }
        return ExaminedFile(name: name, remaining: remaining, found: found, root: root)
    }

    /// Keys whose value is nothing at all.
    private static func emptyPlaces(_ node: Node, _ schema: KeySchema) -> [[String]] {
        switch (schema, node) {
        case (.section(let keys), .mapping(let mapping)):
            return mapping.flatMap { key, value -> [[String]] in
                guard let name = key.string, let nested = keys[name] else { return [] }
                return value.null == nil ? emptyPlaces(value, nested).map { [name] + $0 } : [[name]]
            }
        case (.list(let element), .sequence(let sequence)):
            return sequence.enumerated().flatMap { index, value in
                emptyPlaces(value, element).map { ["\(index)"] + $0 }
            }
        default:
            return []
        }
    }

    // MARK: - Words

    /// A line for a file that is no YAML. The library's own words would show what stands there.
    private static func syntaxError(_ error: any Error, _ name: String) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "\(name):\(mark.line): not valid YAML: \(words(for: problem))"
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "\"\(shown($0))\"" }.joined(separator: ", ")
            return "\(name):\(context.mark.line): duplicate key \(keys) in the mapping that begins here"
        case .reader(let problem, _, _, _):
            return "\(name): not valid YAML: \(problem)"
        default:
            return "\(name): not valid YAML"
        }
    }

    /// The library's words; own ones where those say nothing of the cure, or more of the library than of the file.
    private static func words(for problem: String) -> String {
        if problem.contains("cannot start any token") { return "\(problem). Indent with spaces, not with tabs" }
        if problem.contains("another document") {
            return "a second document begins here. A file is one document: take the line --- out"
        }
        if problem.contains("nesting level") { return "lists and mappings stand too deep in each other here" }
        return problem
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
}
