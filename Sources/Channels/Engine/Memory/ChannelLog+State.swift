import WebSocketCore

/// What a channel's lock protects.
extension ChannelLog {
    struct State: Sendable {
        private(set) var epoch: Epoch
        /// The last offset of the epoch.
        private(set) var top: UInt64
        /// When somebody has last had to do with the channel.
        var touched: MonotonicInstant
        /// None or one: a channel that keeps nothing pays a word for that.
        private var logs: [KeptLog] = []
        var sinks = SinkList()
        var presence: PresenceList

        /// What the ledger's queues say of this channel: when it will have something to drop, whether it is among those
        /// that keep something, and among those with nobody and nothing.
        var due: MonotonicInstant?
        var isAging = false
        var isResting = false
        /// Nobody can use it any more; the store puts another one in its place.
        var isGone = false

        init(position: Position, presence: PresenceList, touched: MonotonicInstant) {
            epoch = position.epoch
            top = position.offset
            self.presence = presence
            self.touched = touched
        }

        var position: Position { Position(epoch: epoch, offset: top) }
        private var keptCount: Int { logs.isEmpty ? 0 : logs[0].entries.count }
        /// The first kept offset; the one after the top when none is.
        var oldest: UInt64 { top - UInt64(keptCount) + 1 }
        /// What the namespace is charged for this channel.
        var chargedBytes: Int { logs.isEmpty ? 0 : logs[0].charged }
        var isIdle: Bool { logs.isEmpty && sinks.isEmpty && presence.isEmpty }

        var occupancy: Occupancy { Occupancy(subscriptions: sinks.subscriptions, users: presence.count) }

        /// The part of the log behind `offset`, or the newest publications; `limit` at most.
        func page(since offset: UInt64?, limit: Int, at now: MonotonicInstant) -> HistoryPage {
            let end = top + 1
            var start = oldest
            if let offset {
                start = offset >= top ? end : max(start, offset + 1)
            } else if end - start > UInt64(limit) {
                start = end - UInt64(limit)
            }
            let count = min(end - start, UInt64(limit))
            return HistoryPage(
                entries: (start..<start + count).compactMap { entry(at: $0, now) }, top: position, oldest: oldest)
        }

        /// The kept publication with an offset from ``oldest`` to the top.
        func entry(at offset: UInt64, _ now: MonotonicInstant) -> HistoryPage.Entry? {
            guard !logs.isEmpty, offset >= oldest, let entry = logs[0].entries[Int(offset - oldest)] else { return nil }
            return HistoryPage.Entry(
                offset: offset, publication: entry.publication, age: now.since(entry.time))
        }

        /// Gives a publication the next position and keeps it as `retention` says. Room has been reserved if that keeps
        /// anything.
        ///
        /// - Parameter shared: what the publication shares with the same one in other channels.
        mutating func append(
            _ publication: Publication, _ retention: Retention, sharing shared: SharedPayload?,
            at now: MonotonicInstant
        ) -> Position {
            if PlantedBug.isOn(.reuseOffset), top % 8 == 7 { return position }
            top += 1
            if retention.keepsSomething {
                if logs.isEmpty { logs.append(KeptLog(retention: retention)) }
                logs[0].append(publication, sharing: shared, at: now)
            }
            if !logs.isEmpty {
                logs[0].retention = retention
                trim(at: now)
            }
            return position
        }

        /// Goes on in another epoch, with nothing kept.
        mutating func begin(_ epoch: Epoch) {
            self.epoch = epoch
            top = 0
            if !logs.isEmpty { logs[0].dropAll() }
        }

        mutating func trim(at now: MonotonicInstant) {
            if !logs.isEmpty { logs[0].trim(at: now) }
        }

        mutating func evict(from time: MonotonicInstant) {
            guard !logs.isEmpty, let oldest = logs[0].oldestTime, oldest <= time else { return }
            logs[0].dropOldest()
        }

        /// Puts into the ledger's books and queues what has changed.
        mutating func settle(_ log: ChannelLog, _ ledger: Ledger) {
            if !logs.isEmpty { ledger.charge(logs[0].recount(with: log.recordBytes), to: log.account) }
            // Not through `first`, which would make a second owner of the block that is written next.
            if !logs.isEmpty, let oldest = logs[0].oldestTime, let expiry = logs[0].expiry {
                if !isAging { log.account.aging.set(log, to: oldest) }
                isAging = true
                if expiry < due ?? MonotonicInstant(milliseconds: .max) {
                    ledger.expiring.set(log, to: expiry)
                    due = expiry
                }
            } else {
                if isAging { log.account.aging.remove(log) }
                isAging = false
                if due != nil { ledger.expiring.remove(log) }
                due = nil
                logs = []
            }
            if isIdle != isResting {
                if isIdle { ledger.idle.set(log, to: touched) } else { ledger.idle.remove(log) }
                isResting = isIdle
            }
        }
    }
}
