import WebSocketCore

/// Which requests were carried out under which keys.
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
        let name: Name
        let time: MonotonicInstant
    }

    private let options: MemoryStore.Options
    private var entries: [Name: Entry] = [:]
    /// Those that were carried out, oldest first.
    private var ages = Ring<Age>()
    private(set) var bytes = 0

    init(options: MemoryStore.Options) { self.options = options }

    var count: Int { entries.count }

    /// A request with a key comes.
    mutating func begin(
        _ name: Name, fingerprint: [UInt8], positions: Int, at now: MonotonicInstant, _ completion: @escaping Completion
    ) -> Turn {
        prune(at: now)
        if PlantedBug.isOn(.forgetKey) { while dropOldest(of: 1_000, at: now) {} }
        if let entry = entries[name] {
            guard entry.fingerprint == fingerprint || PlantedBug.isOn(.ignoreFingerprint) else {
                return .answered(.failure(.keyWasUsed))
            }
            if let positions = entry.positions { return .answered(.success(positions)) }
            entries[name]?.waiting.append(completion)
            return .waits
        }
        let cost = Self.bytes(name, fingerprint, positions)
        while entries.count >= options.maximumKeys || cost > options.keyBudget - bytes {
            guard dropOldest(of: options.minimumKeyMilliseconds, at: now) else {
                return .answered(.failure(.overloaded))
            }
        }
        entries[name] = Entry(fingerprint: fingerprint, bytes: cost)
        bytes += cost
        return .first
    }

    /// The first request with its key has been carried out, or has failed: then the next one is the first. Those who
    /// wait for the result.
    mutating func end(
        _ name: Name, with result: Result<[Position], EngineError>, at now: MonotonicInstant
    ) -> [Completion] {
        let waiting = entries[name]?.waiting ?? []
        switch result {
        case .success(let positions):
            entries[name]?.waiting = []
            entries[name]?.positions = positions
            ages.append(Age(name: name, time: now))
        case .failure: drop(name)
        }
        return waiting
    }

    /// Forgets what is old enough.
    mutating func prune(at now: MonotonicInstant) {
        while dropOldest(of: options.keyMilliseconds, at: now) {}
    }

    private mutating func dropOldest(of age: UInt64, at now: MonotonicInstant) -> Bool {
        guard let oldest = ages.first, now.since(oldest.time) >= age else { return false }
        ages.removeFirst()
        drop(oldest.name)
        return true
    }

    private mutating func drop(_ name: Name) {
        if let entry = entries.removeValue(forKey: name) { bytes -= entry.bytes }
    }

    /// What an entry counts for: its bytes, and 256 for what surrounds them.
    private static func bytes(_ name: Name, _ fingerprint: [UInt8], _ positions: Int) -> Int {
        name.key.count + fingerprint.count + positions * MemoryLayout<Position>.stride + 256
    }
}
