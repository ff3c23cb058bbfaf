import Channels

/// What one channel's log really is: the store's commits, written down as they happened.
struct ChannelTruth {
    struct Record {
        let name: PayloadName
        let publication: Publication
        /// On the store's clock, in milliseconds.
        let time: UInt64
    }

    /// The epoch of the log that the store continues; `nil` before it is known.
    var epoch: Epoch?
    /// Which life of the store that epoch belongs to.
    var life = 0
    /// The records of each epoch that there was, offset 1 first.
    var logs: [Epoch: [Record]] = [:]
    var retention = Retention()

    var records: [Record] { epoch.flatMap { logs[$0] } ?? [] }
    var top: UInt64 { UInt64(epoch.flatMap { logs[$0]?.count } ?? 0) }

    func record(at position: Position) -> Record? {
        guard let log = logs[position.epoch], position.offset >= 1, position.offset <= UInt64(log.count) else {
            return nil
        }
        return log[Int(position.offset) - 1]
    }

    /// The first offset that has to be kept at a time; `top + 1` when none has.
    func oldestToKeep(at time: UInt64) -> UInt64 {
        let records = records
        var bytes = 0
        var kept = 0
        for record in records.reversed() {
            bytes += record.publication.keptBytes
            // To the very millisecond either is right.
            guard kept < retention.publications, bytes <= retention.bytes, record.time + retention.milliseconds > time
            else { break }
            kept += 1
        }
        return UInt64(records.count - kept) + 1
    }
}
