import WebSocketCore

/// What is kept of one channel's log: its newest publications, one after the other, and the rules they are kept by.
struct KeptLog: Sendable {
    struct Entry: Sendable {
        let event: [UInt8]
        let data: [UInt8]
        let sender: [UInt8]?
        let time: MonotonicInstant
        /// What it shares with the same publication in other channels; its bytes are counted there.
        let shared: SharedPayload?

        /// A publication as it is read again: whom it was not for is not kept.
        var publication: Publication { Publication(event: event, data: data, sender: sender) }
        var keptBytes: Int { publication.keptBytes }
    }

    /// The rules that came with the last publication.
    var retention: Retention
    private(set) var entries = Ring<Entry>()
    /// As the retention counts them, see ``Publication/keptBytes``.
    private(set) var bytes = 0
    /// What the publications take, without what they share with other channels.
    private var heapBytes = 0
    /// What is shared and was first kept, or last dropped, here since the last recount.
    private var sharedBytes = 0
    /// What the namespace was charged for this log and its channel's record.
    private(set) var charged = 0

    init(retention: Retention) { self.retention = retention }

    mutating func append(_ publication: Publication, sharing shared: SharedPayload?, at time: MonotonicInstant) {
        // Publishers read the clock before they have their turn: what comes later in the log is never older.
        let time = max(time, entries.last?.time ?? time)
        let entry = Entry(
            event: publication.event, data: publication.data, sender: publication.sender, time: time, shared: shared)
        entries.append(entry)
        bytes += entry.keptBytes
        if let shared { sharedBytes += shared.keep() } else { heapBytes += publication.heapBytes }
    }

    /// What has to be charged beyond what was charged before, or given back when it is negative.
    ///
    /// - Parameter recordBytes: what the channel's record takes; nobody else pays for it while something is kept.
    mutating func recount(with recordBytes: Int) -> Int {
        let now = entries.isEmpty ? 0 : recordBytes &+ Self.fixedBytes &+ entries.heapBytes &+ heapBytes
        defer { (charged, sharedBytes) = (now, 0) }
        return now &- charged &+ sharedBytes
    }

    /// The block that a log is in.
    private static let fixedBytes = HeapBytes.array(capacity: 1, stride: MemoryLayout<KeptLog>.stride)

    /// Drops what the rules do not keep at the time `now`.
    mutating func trim(at now: MonotonicInstant) {
        if PlantedBug.isOn(.neverTrim) { return }
        let before = bytes
        while let oldest = entries.first {
            let age = now.since(oldest.time)
            if entries.count == 1, age < retention.newestMilliseconds { break }
            guard entries.count > retention.publications || bytes > retention.bytes || age >= retention.milliseconds
            else { break }
            dropOldest()
        }
        if PlantedBug.isOn(.trimOneMore), bytes < before { dropOldest() }
    }

    /// Drops the oldest publication.
    mutating func dropOldest() {
        guard let entry = entries.removeFirst() else { return }
        bytes -= entry.keptBytes
        if let shared = entry.shared { sharedBytes -= shared.drop() } else { heapBytes -= entry.publication.heapBytes }
    }

    /// Drops everything.
    mutating func dropAll() { while !entries.isEmpty { dropOldest() } }

    var oldestTime: MonotonicInstant? { entries.first?.time }

    /// When the oldest publication will be dropped, if nothing comes before; `nil` when nothing is kept.
    var expiry: MonotonicInstant? {
        guard let oldestTime else { return nil }
        let byAge = oldestTime.advanced(by: retention.milliseconds)
        guard entries.count == 1 else { return byAge }
        let byNewest = oldestTime.advanced(by: retention.newestMilliseconds)
        let isWithinLimits = retention.publications >= 1 && bytes <= retention.bytes
        return isWithinLimits ? max(byAge, byNewest) : byNewest
    }
}

extension Publication {
    /// What the allocator gives for its bytes.
    var heapBytes: Int {
        HeapBytes.array(event) &+ HeapBytes.array(data) &+ (sender.map { HeapBytes.array($0) } ?? 0)
    }
}

extension Retention {
    /// Whether a publication may be kept under these rules, however small it is.
    var keepsSomething: Bool {
        newestMilliseconds > 0 || (publications > 0 && milliseconds > 0 && bytes > 0)
    }
}
