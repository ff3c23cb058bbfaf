/// A table that is a list as long as it is short, which takes less memory than a dictionary, and a dictionary from then
/// on.
struct SmallTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Form: Sendable {
        case list([(key: Key, value: Value)])
        case dictionary([Key: Value])
    }

    /// A longer list becomes a dictionary. It stays one until nothing is left.
    private static var maximumListed: Int { 16 }

    private var form = Form.list([])

    init() {}

    /// The value of a key.
    subscript(key: Key) -> Value? {
        get {
            switch form {
            case .list(let list): list.first { $0.key == key }?.value
            case .dictionary(let values): values[key]
            }
        }
        set {
            if let newValue { set(key, newValue) } else { remove(key) }
        }
    }

    /// Whether a key fulfils a condition; looks at all of them.
    func contains(_ isMeant: (Key) -> Bool) -> Bool {
        switch form {
        case .list(let list): list.contains { isMeant($0.key) }
        case .dictionary(let values): values.keys.contains(where: isMeant)
        }
    }

    /// Removes the keys that fulfil a condition; their values, in no order.
    mutating func removeAll(where isMeant: (Key) -> Bool) -> [Value] {
        switch form {
        case .list(let list):
            form = .list(list.filter { !isMeant($0.key) })
            return list.filter { isMeant($0.key) }.map(\.value)
        case .dictionary(let values):
            let rest = values.filter { !isMeant($0.key) }
            form = rest.isEmpty ? .list([]) : .dictionary(rest)
            return values.filter { isMeant($0.key) }.map(\.value)
        }
    }

    private mutating func set(_ key: Key, _ value: Value) {
        // Taken out while it is changed, so that it has one owner and is not copied.
        let current = form
        form = .list([])
        switch current {
        case .list(var list):
            if let index = list.firstIndex(where: { $0.key == key }) {
                list[index].value = value
            } else {
                list.append((key, value))
            }
            if list.count <= Self.maximumListed {
                form = .list(list)
            } else {
                form = .dictionary(Dictionary(list.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }))
            }
        case .dictionary(var values):
            values[key] = value
            form = .dictionary(values)
        }
    }

    private mutating func remove(_ key: Key) {
        let current = form
        form = .list([])
        switch current {
        case .list(var list):
            if let index = list.firstIndex(where: { $0.key == key }) { list.remove(at: index) }
            form = .list(list)
        case .dictionary(var values):
            values[key] = nil
            if !values.isEmpty { form = .dictionary(values) }
        }
    }
}
