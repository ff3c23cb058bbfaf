import Yams

/// Makes the values of a file mean what they look like, where YAML 1.1 and people differ.
///
/// `"on"` and `"8080"` in quotes are a switch and a number where the setting is one; texts stay texts, since a setting
/// that is one reads what was written. Numbers are decimal: `1:30`, `010`, `0x10` and `1_000` are none, although YAML 1.1
/// reads 90, 8, 16 and 1000 in them.
enum PlainScalars {
    /// The node with the values that the schema has put right. What the schema does not have is not looked at: aliases
    /// can make that as large as one likes.
    static func applied(to node: Node, _ schema: KeySchema) -> Node {
        switch (schema, node) {
        case (.section(let keys), .mapping(var mapping)):
            for (key, value) in mapping {
                if let name = key.string, let nested = keys[name] { mapping[key] = applied(to: value, nested) }
            }
            return .mapping(mapping)
        case (.list(let element), .sequence(var sequence)):
            for index in sequence.indices { sequence[index] = applied(to: sequence[index], element) }
            return .sequence(sequence)
        case (_, .scalar(let scalar)):
            return .scalar(plain(scalar))
        default:
            return node
        }
    }

    private static func plain(_ scalar: Node.Scalar) -> Node.Scalar {
        var plain = scalar
        let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
        if isQuoted, isSwitch(scalar.string) || isDecimal(scalar.string) {
            plain.tag = Tag(.implicit)
            plain.style = .plain
        } else if beginsAsNumber(scalar.string), !isDecimal(scalar.string) {
            plain.tag = Tag(.str)
            plain.style = .doubleQuoted
        }
        return plain
    }

    private static func isSwitch(_ text: String) -> Bool {
        ["on", "off", "true", "false", "yes", "no"].contains(text.lowercased())
    }

    /// Digits with an optional minus and fraction; in front of them a zero only before a point.
    static func isDecimal(_ text: String) -> Bool {
        let digits = text.utf8.first == UInt8(ascii: "-") ? Substring(text).dropFirst() : Substring(text)
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isDigit) } && !hasLeadingZero(digits)
    }

    /// What YAML 1.1 may read a number in.
    private static func beginsAsNumber(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        return isDigit(first) || [UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: ".")].contains(first)
    }

    private static func hasLeadingZero(_ digits: Substring) -> Bool {
        digits.utf8.count > 1 && digits.utf8.first == UInt8(ascii: "0")
            && digits.utf8.dropFirst().first != UInt8(ascii: ".")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
}
