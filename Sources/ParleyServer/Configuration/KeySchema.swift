/// Which keys a configuration file may have, and where. The names are those that the decoding uses.
indirect enum KeySchema: Sendable {
    /// Anything that is no section.
    case value
    /// A section with these keys.
    case section([String: KeySchema])
    /// A list whose elements are alike.
    case list(KeySchema)

    /// A section with the coding keys of a type; those that are not named are values.
    static func section<Keys: CodingKey & CaseIterable>(
        _: Keys.Type, _ nested: [Keys: KeySchema] = [:]
    ) -> KeySchema where Keys: Hashable {
        var keys: [String: KeySchema] = [:]
        for key in Keys.allCases { keys[key.stringValue] = nested[key] ?? .value }
        return .section(keys)
    }

    /// The key that was probably meant by one that there is not; `nil` when none is near.
    static func suggestion(for key: String, among keys: some Collection<String>) -> String? {
        let near = keys.map { (key: $0, distance: distance(Array(key.utf8), Array($0.utf8))) }
            .filter { $0.distance <= max(1, $0.key.utf8.count / 3) }
        return near.min { ($0.distance, $0.key) < ($1.distance, $1.key) }?.key
    }

    /// How many letters have to be put in, left out, changed or swapped with the next to make one word of another.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        // A key of a kilobyte is nobody's typing error.
        guard left.count <= 100, right.count <= 100 else { return .max }
        var rows = [Array(0...right.count)]
        for (line, letter) in left.enumerated() {
            var row = [line + 1]
            for column in right.indices {
                let changed = rows[line][column] + (letter == right[column] ? 0 : 1)
                var best = min(changed, min(row[column], rows[line][column + 1]) + 1)
                if line > 0, column > 0, letter == right[column - 1], left[line - 1] == right[column] {
                    best = min(best, rows[line - 1][column - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
