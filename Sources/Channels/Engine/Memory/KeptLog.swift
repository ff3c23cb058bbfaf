import WebSocketCore

/// What is kept of one channel's log: its newest publications, one after the other, and the rules they are kept by.
struct KeptLog: Sendable {
    struct Entry: Sendable {
        let event: [UInt8]
        let data: [UInt8]
        let sender: [UInt8]?
        let time: MonotonicInstant

        /// A publication as it is read again: whom it was not for is not kept.
        var publication: Publication { Publication(event: event, data: data, sender: sender) }
        var keptBytes: Int { publication.keptBytes }
    }

    /// The rules that came with the last publication.
    var retention: Retention
    private(set) var entries = Ring<Entry>()
    private(set) var bytes = 0

    init(retention: Retention) { self.retention = retention }

    mutating func append(_ publication: Publication, at time: MonotonicInstant) {
        // Publishers read the clock before they have their turn: what comes later in the log is never older.
        let time = max(time, entries.last?.time ?? time)
        entries.append(
            Entry(event: publication.event, data: publication.data, sender: publication.sender, time: time))
        bytes += publication.keptBytes
    }

    /// Drops what the rules do not keep at the time `now`; the bytes that became free.
    mutating func trim(at now: MonotonicInstant) -> Int {
        if PlantedBug.isOn(.neverTrim) { return 0 }
        let before = bytes
        while let oldest = entries.first {
            let age = now.since(oldest.time)
            if entries.count == 1, age < retention.newestMilliseconds { break }
            guard entries.count > retention.publications || bytes > retention.bytes || age >= retention.milliseconds
            else { break }
            dropOldest()
        }
        if PlantedBug.isOn(.trimOneMore), bytes < before { dropOldest() }
        return before - bytes
    }

    /// Drops the oldest publication; the bytes that became free.
    @discardableResult
    mutating func dropOldest() -> Int {
        let freed = entries.removeFirst()?.keptBytes ?? 0
        bytes -= freed
        return freed
    }

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

extension Retention {
    /// Whether a publication may be kept under these rules, however small it is.
    var keepsSomething: Bool {
        newestMilliseconds > 0 || (publications > 0 && milliseconds > 0 && bytes > 0)
    }
}
