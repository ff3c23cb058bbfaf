import WebSocketCore

/// The positions of one namespace's channels that have no ``ChannelLog``.
///
/// A channel in which nothing was published needs no memory at all: its epoch is a keyed hash of its name, the same as
/// often as it is asked for, so that any number of names can be touched. Only of a channel with publications the
/// position is remembered, in a tenth of what a record takes. When one is forgotten, the epochs of its group of names
/// change with it, so that no epoch ever comes twice for one channel.
struct PositionMemory: Sendable {
    /// What a position takes: its slot in a table between three and six eighths full, its age in a ring.
    static let bytesEach = 112
    /// A power of 2.
    private static let groupCount = 1_024

    private struct Entry: Sendable {
        let position: Position
        let time: MonotonicInstant
    }

    private struct Age: Sendable {
        let key: UInt64
        let time: MonotonicInstant
    }

    private let namespace: [UInt8]
    private let secret: KeyedHash
    /// By a keyed hash of the name: two channels with the same one, by chance, would be one in 2^64.
    private var entries: [UInt64: Entry] = [:]
    /// When the entries came, oldest first; with some of entries that were taken out since.
    private var ages = Ring<Age>()
    /// How often a position of each group of names was forgotten; none before the first.
    private var generations: [UInt32] = []

    init(namespace: [UInt8], secret: KeyedHash) {
        self.namespace = namespace
        self.secret = secret
    }

    var count: Int { entries.count }

    /// The position of a channel, which is not remembered here from now on.
    mutating func take(_ name: ChannelName) -> Position {
        let key = key(of: name)
        guard let entry = entries.removeValue(forKey: key) else { return beginning(of: name, key) }
        shrink()
        return entry.position
    }

    /// The position of a channel of which none is remembered.
    func untouched(_ name: ChannelName) -> Position? {
        let key = key(of: name)
        return entries[key] == nil ? beginning(of: name, key) : nil
    }

    mutating func put(_ position: Position, of name: ChannelName, at time: MonotonicInstant) {
        let key = key(of: name)
        entries[key] = Entry(position: position, time: time)
        ages.append(Age(key: key, time: time))
    }

    /// Forgets the oldest position, if that is not later than `limit`.
    mutating func forgetOldest(until limit: MonotonicInstant) -> Bool {
        while let age = ages.first {
            guard age.time <= limit else { return false }
            ages.removeFirst()
            guard let entry = entries[age.key], entry.time == age.time else { continue }
            entries[age.key] = nil
            if generations.isEmpty { generations = Array(repeating: 0, count: Self.groupCount) }
            generations[group(of: age.key)] &+= 1
            shrink()
            return true
        }
        return false
    }

    private func key(of name: ChannelName) -> UInt64 { secret(namespace, name.bytes) }

    private func beginning(of name: ChannelName, _ key: UInt64) -> Position {
        let generation = generations.isEmpty ? 0 : generations[group(of: key)]
        // Another number than that of the key: whoever sees an epoch learns nothing of keys.
        return Position(epoch: Epoch(rawValue: secret(namespace, name.bytes, UInt64(generation) &+ 1)), offset: 0)
    }

    private func group(of key: UInt64) -> Int { Int(truncatingIfNeeded: key) & (Self.groupCount - 1) }

    /// Gives back what many entries have left behind.
    private mutating func shrink() {
        if ages.count > 2 * entries.count + 64 {
            var current = Ring<Age>()
            for index in 0..<ages.count {
                guard let age = ages[index], entries[age.key]?.time == age.time else { continue }
                current.append(age)
            }
            ages = current
        }
        guard entries.capacity > 1_024, entries.count < entries.capacity / 8 else { return }
        var smaller: [UInt64: Entry] = [:]
        smaller.reserveCapacity(entries.count * 2)
        smaller.merge(entries) { $1 }
        entries = smaller
    }
}
