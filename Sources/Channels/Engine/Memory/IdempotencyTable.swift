import WebSocketCore

/// Which requests were carried out under which keys.
///
/// Half of its room is divided into equal shares of the namespaces, which no other can take; the other half is for all,
/// as long as there is some. A key is never dropped in its first ten minutes, so what was lent cannot be called back at
/// once: hence the halves.
struct IdempotencyTable: Sendable {
    typealias Completion = @Sendable (Result<[Position], EngineError>) -> Void

    struct Name: Hashable, Sendable {
        let namespace: [UInt8]
        let key: [UInt8]
    }

    /// What becomes of a request.
    enum Turn: Sendable {
        /// It is carried out; ``end(_:with:at:)`` must follow.
        case first
        /// It is a repetition; its completion is called with the first one's result.
        case waits
        /// It is not carried out.
        case answered(Result<[Position], EngineError>)
    }

    private struct Entry: Sendable {
        let fingerprint: [UInt8]
        let bytes: Int
        /// `nil` while the first request is under way.
        var positions: [Position]?
        var waiting: [Completion] = []
    }

    private struct Age: Sendable {
        let key: [UInt8]
        let time: MonotonicInstant
    }

    /// An amount of both things that are limited.
    private struct Room: Sendable {
        var keys = 0
        var bytes = 0

        /// What is above `share`.
        func above(_ share: Room) -> Room {
            Room(keys: max(0, keys - share.keys), bytes: max(0, bytes - share.bytes))
        }
    }

    /// What one namespace has.
    private struct Part: Sendable {
        var entries: [[UInt8]: Entry] = [:]
        /// Those that were carried out, oldest first.
        var ages = Ring<Age>()
        var bytes = 0

        var room: Room { Room(keys: entries.count, bytes: bytes) }
    }

    private let options: MemoryStore.Options
    private var parts: [[UInt8]: Part]
    /// What all namespaces together have above their shares.
    private var borrowed = Room()

    init(options: MemoryStore.Options) {
        self.options = options
        parts = Dictionary(options.namespaces.map { ($0, Part()) }, uniquingKeysWith: { first, _ in first })
    }

    var count: Int { parts.values.reduce(0) { $0 + $1.entries.count } }
    var bytes: Int { parts.values.reduce(0) { $0 + $1.bytes } }

    /// What each namespace has for itself.
    private var share: Room {
        let number = max(1, parts.count)
        return Room(keys: options.maximumKeys / 2 / number, bytes: options.keyBudget / 2 / number)
    }

    /// What is for all.
    private var common: Room {
        Room(
            keys: options.maximumKeys - share.keys * parts.count,
            bytes: options.keyBudget - share.bytes * parts.count)
    }

    /// A request with a key comes.
    mutating func begin(
        _ name: Name, fingerprint: [UInt8], positions: Int, at now: MonotonicInstant, _ completion: @escaping Completion
    ) -> Turn {
        let namespace = name.namespace
        if parts[namespace] == nil { addPart(of: namespace) }
        while dropOldest(of: namespace, from: options.keyMilliseconds, at: now) {}
        if PlantedBug.isOn(.forgetKey) { while dropOldest(of: namespace, from: 1_000, at: now) {} }
        if let entry = parts[namespace]?.entries[name.key] {
            guard entry.fingerprint == fingerprint || PlantedBug.isOn(.ignoreFingerprint) else {
                return .answered(.failure(.keyWasUsed))
            }
            if let positions = entry.positions { return .answered(.success(positions)) }
            parts[namespace]?.entries[name.key]?.waiting.append(completion)
            return .waits
        }
        let cost = Self.bytes(name, fingerprint, positions)
        while !hasRoom(for: cost, of: namespace) {
            guard makeRoom(for: namespace, at: now) else { return .answered(.failure(.overloaded)) }
        }
        change(namespace) { part in
            part.entries[name.key] = Entry(fingerprint: fingerprint, bytes: cost)
            part.bytes += cost
        }
        return .first
    }

    /// The first request with its key has been carried out, or has failed: then the next one is the first. Those who
    /// wait for the result.
    mutating func end(
        _ name: Name, with result: Result<[Position], EngineError>, at now: MonotonicInstant
    ) -> [Completion] {
        let waiting = parts[name.namespace]?.entries[name.key]?.waiting ?? []
        switch result {
        case .success(let positions):
            parts[name.namespace]?.entries[name.key]?.waiting = []
            parts[name.namespace]?.entries[name.key]?.positions = positions
            parts[name.namespace]?.ages.append(Age(key: name.key, time: now))
        case .failure: drop(name)
        }
        return waiting
    }

    /// Forgets what is old enough.
    mutating func prune(at now: MonotonicInstant) {
        // A list of its own: the keys of the dictionary would be a second owner of all that is changed here.
        for namespace in Array(parts.keys) {
            while dropOldest(of: namespace, from: options.keyMilliseconds, at: now) {}
        }
    }

    /// A namespace gets its share, and those of the others are smaller from now on.
    private mutating func addPart(of namespace: [UInt8]) {
        parts[namespace] = Part()
        borrowed = parts.values.reduce(into: Room()) { sum, part in
            let above = part.room.above(share)
            sum.keys += above.keys
            sum.bytes += above.bytes
        }
    }

    private func hasRoom(for bytes: Int, of namespace: [UInt8]) -> Bool {
        guard let part = parts[namespace], bytes <= options.keyBudget else { return false }
        let (share, common) = (share, common)
        let before = part.room.above(share)
        let after = Room(keys: part.entries.count + 1, bytes: part.bytes + bytes).above(share)
        return (after.keys == 0 || borrowed.keys + after.keys - before.keys <= common.keys)
            && (after.bytes == 0 || borrowed.bytes + after.bytes - before.bytes <= common.bytes)
    }

    /// Drops a key that is old enough: of a namespace that has more above its share, or its own, or of any that has
    /// something above its share.
    private mutating func makeRoom(for namespace: [UInt8], at now: MonotonicInstant) -> Bool {
        let minimum = options.minimumKeyMilliseconds
        let share = share
        let own = parts[namespace]?.room.above(share) ?? Room()
        let others = Array(parts.keys).filter { $0 != namespace }
        for other in others {
            let above = parts[other]?.room.above(share) ?? Room()
            if above.keys > own.keys || above.bytes > own.bytes, dropOldest(of: other, from: minimum, at: now) {
                return true
            }
        }
        if dropOldest(of: namespace, from: minimum, at: now) { return true }
        for other in others {
            let above = parts[other]?.room.above(share) ?? Room()
            if above.keys > 0 || above.bytes > 0, dropOldest(of: other, from: minimum, at: now) { return true }
        }
        return false
    }

    private mutating func dropOldest(of namespace: [UInt8], from age: UInt64, at now: MonotonicInstant) -> Bool {
        guard let oldest = parts[namespace]?.ages.first, now.since(oldest.time) >= age else { return false }
        parts[namespace]?.ages.removeFirst()
        drop(Name(namespace: namespace, key: oldest.key))
        return true
    }

    private mutating func drop(_ name: Name) {
        change(name.namespace) { part in
            if let entry = part.entries.removeValue(forKey: name.key) { part.bytes -= entry.bytes }
        }
    }

    /// Changes what a namespace has, and with it what is lent.
    private mutating func change(_ namespace: [UInt8], _ body: (inout Part) -> Void) {
        let share = share
        let before = parts[namespace]?.room.above(share) ?? Room()
        body(&parts[namespace, default: Part()])
        let after = parts[namespace]?.room.above(share) ?? Room()
        borrowed.keys += after.keys - before.keys
        borrowed.bytes += after.bytes - before.bytes
    }

    /// What an entry counts for: its bytes, and 352 for what surrounds them.
    private static func bytes(_ name: Name, _ fingerprint: [UInt8], _ positions: Int) -> Int {
        name.key.count + fingerprint.count + positions * MemoryLayout<Position>.stride + 352
    }
}
