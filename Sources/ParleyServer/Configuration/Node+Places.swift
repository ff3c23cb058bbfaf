import Yams

/// Places in a file, as the keys from the top down, with numbers from 0 on in lists.
extension Node {
    /// The line on which a setting stands, or the last section on the way to it.
    func line(of path: [String]) -> Int {
        var node = self
        var line = mark?.line ?? 1
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

    /// The single value that stands at a place, fit for one line on a terminal.
    func shown(at path: [String]) -> String {
        guard let text = value(at: path[...])?.scalar?.string, !text.isEmpty else { return "(empty)" }
        return LogText.escaped(String(text.prefix(60)))
    }

    private func value(at path: ArraySlice<String>) -> Node? {
        guard let key = path.first else { return self }
        let rest = path.dropFirst()
        switch self {
        case .mapping(let mapping): return mapping.first { $0.key.string == key }?.value.value(at: rest)
        case .sequence(let sequence):
            guard let index = Int(key), sequence.indices ~= index else { return nil }
            return sequence[index].value(at: rest)
        case .scalar, .alias: return nil
        }
    }

    /// Puts another value at a place; `nil` takes the key out of its mapping. The path has no more keys than the settings
    /// are deep.
    mutating func replace(at path: [String], by value: Node?) { replace(at: path[...], by: value) }

    private mutating func replace(at path: ArraySlice<String>, by value: Node?) {
        guard let key = path.first else { return }
        let rest = path.dropFirst()
        switch self {
        case .mapping(var mapping):
            let pair = mapping.first { $0.key.string == key }
            if rest.isEmpty {
                mapping[pair?.key ?? Node(key)] = value
            } else if var nested = pair?.value, let pair {
                nested.replace(at: rest, by: value)
                mapping[pair.key] = nested
            }
            self = .mapping(mapping)
        case .sequence(var sequence):
            guard let index = Int(key), sequence.indices ~= index else { return }
            if !rest.isEmpty {
                sequence[index].replace(at: rest, by: value)
            } else if let value {
                sequence[index] = value
            }
            self = .sequence(sequence)
        case .scalar, .alias:
            return
        }
    }
}
