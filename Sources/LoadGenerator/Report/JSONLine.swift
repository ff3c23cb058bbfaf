/// A JSON object on one line (RFC 8259), its members in the order in which they are added.
struct JSONLine {
    private var members: [String] = []

    /// The object.
    var text: String { "{" + members.joined(separator: ",") + "}" }

    mutating func add(_ key: String, _ value: Int) { append(key, String(value)) }

    /// Adds a number, unless there is none.
    mutating func add(_ key: String, _ value: Double?, decimals: Int) {
        if let value { append(key, Figure.fixed(value, decimals)) }
    }

    mutating func add(_ key: String, _ value: String) { append(key, Self.quoted(value)) }

    mutating func add(_ key: String, _ values: [String]) {
        append(key, "[" + values.map(Self.quoted).joined(separator: ",") + "]")
    }

    private mutating func append(_ key: String, _ value: String) { members.append("\(Self.quoted(key)):\(value)") }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
