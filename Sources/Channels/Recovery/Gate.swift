import WebSocketCore

/// Stands before a subscriber until its subscription has caught up with its channel: the seam between what is replayed
/// and what is live.
///
/// The gate is in the audience before the log is read, so that nothing falls between. What comes live is held, within a
/// bound, while the start and the missed publications are on their way; then what the start already covers is dropped
/// and the rest follows. The gate goes as soon as the channel's stream is past what the start covers.
///
/// Confined to its shard's thread.
final class Gate: Subscriber {
    /// How many deliveries may be held.
    static var maximumHeld: Int { Bound.gate.limit }
    /// How many bytes may be held.
    static var maximumHeldBytes: Int { Bound.gateBytes.limit }

    private enum Phase {
        /// The start is being found out.
        case waiting
        /// Publications up to a position are being replayed; the last one that went is `after`.
        case replaying(after: UInt64, upTo: Position)
        /// Everything goes through but what the start has covered already.
        case passing
    }

    private struct Held {
        let frame: SharedFrame
        let context: DeliveryContext
    }

    /// The entry in the roster, if the subscriber is a member.
    var ticket: MemberTicket?

    private unowned let seat: Seat
    private let subscriber: Subscriber
    private var phase = Phase.waiting
    private var held: [Held] = []
    private var heldBytes = 0
    /// A start with a list of members that waits until the connection has taken what it was sent before: the newest
    /// delivery that was held by then is before ``Postponed/heldCount``.
    private struct Postponed {
        let start: SubscriptionStart
        let page: [HistoryPage.Entry]
        let heldCount: Int
    }

    private var postponed: Postponed?
    /// A page of the replay is being read.
    private var isReading = false
    /// The replay waits for room in the node.
    private var awaitsRoom = false
    /// What the start covers; `nil` as long as it is not known, or without positions.
    private var floor: Position?
    private var versionFloor: UInt64?
    /// Without positions: the newest publication, which was told with the start.
    private var newestFloor: Position?
    /// How far the channel's stream has come.
    private var seen: Position?
    private var seenVersion: UInt64 = 0

    init(seat: Seat, subscriber: Subscriber) {
        self.seat = seat
        self.subscriber = subscriber
        super.init()
    }

    /// Whether the subscriber has been told how its subscription begins.
    var hasStarted: Bool {
        if case .waiting = phase { return false }
        return true
    }

    override func deliver(_ frame: SharedFrame) {
        let context = seat.audience.context
        if PlantedBug.isOn(.skipGate) { subscriber.deliver(frame) }
        guard case .passing = phase else { return hold(frame, context) }
        let keep = seat.gate
        pass(frame, context)
        openIfCaughtUp()
        withExtendedLifetime(keep) {}
    }

    private func hold(_ frame: SharedFrame, _ context: DeliveryContext) {
        heldBytes += frame.bytes.count
        let isFull = held.count >= Self.maximumHeld || heldBytes > Self.maximumHeldBytes
        if isFull, PlantedBug.isOn(.dropAtFullGate) { return }
        guard !isFull || PlantedBug.isOn(.endlessGate) else { return giveUp() }
        held.append(Held(frame: frame, context: context))
        Bound.gate.count(held.count)
    }

    /// Hands on what is new.
    private func pass(_ frame: SharedFrame, _ context: DeliveryContext) {
        if let position = context.position {
            seen = position
            if let floor, let loss = context.loss, !PlantedBug.isOn(.repeatLoss) {
                guard !isCovered(loss, upTo: position, by: floor) else { return }
            } else if let floor {
                // Another log than the one that the start speaks of: nothing can be said about what is missing.
                guard position.epoch == floor.epoch else { return giveUp() }
                let first = PlantedBug.isOn(.doubleAtSeam) ? floor.offset : floor.offset + 1
                guard position.offset >= first else { return }
            } else if let newestFloor, position.epoch == newestFloor.epoch {
                guard position.offset > newestFloor.offset else { return }
            }
        }
        if let version = context.version {
            seenVersion = version
            if let versionFloor, version <= versionFloor { return }
        }
        seat.present?.deliver(frame)
    }

    /// Whether the start has said already what a loss says. What overlaps with it in part can not be told in its words:
    /// the subscriber comes back.
    private func isCovered(_ loss: DeliveryContext.Loss, upTo position: Position, by floor: Position) -> Bool {
        let isSameLog = position.epoch == floor.epoch
        if isSameLog, position.offset <= floor.offset { return true }
        // From where the subscriber stands on, or from one log to another.
        if isSameLog ? loss == .from(floor.offset + 1) : loss == .everything {
            self.floor = position
            return false
        }
        if isSameLog, case .from(let offset) = loss, offset > floor.offset { return false }
        giveUp()
        return true
    }

    /// The subscription begins.
    ///
    /// - Parameters:
    ///   - page: what is replayed, or its beginning; empty when there is nothing.
    ///   - seen: how far the channel's stream was when this was posted.
    func begin(_ start: SubscriptionStart, _ page: [HistoryPage.Entry], seen: Position?, seenVersion: UInt64) {
        guard !seat.hasLeft, case .waiting = phase, postponed == nil else { return }
        self.seen = seen
        self.seenVersion = seenVersion
        // A list may be long: a connection gets one after the other, as fast as it takes them.
        guard start.members == nil || subscriber.isWritable else {
            postponed = Postponed(start: start, page: page, heldCount: held.count)
            return
        }
        begin(start, page)
    }

    private func begin(_ start: SubscriptionStart, _ page: [HistoryPage.Entry]) {
        var start = start
        // All that begin in one iteration get the list that the last of them got, made once; what it covers is dropped.
        if let members = start.members { start.members = seat.channel.newest(members) }
        versionFloor = start.members?.version
        switch start.recovery {
        case .none:
            newestFloor = start.newestPosition
            phase = .passing
        case .lost(_, let position):
            floor = position
            phase = .passing
        case .recovered(let position):
            floor = position
            let after = page.first.map { $0.offset - 1 } ?? position.offset
            phase = .replaying(after: after, upTo: position)
        }
        let keep = seat.gate
        subscriber.started(seat.channel.name, start)
        if case .replaying = phase { replay(page) } else { release() }
        withExtendedLifetime(keep) {}
    }

    /// The next publications of the replay; `nil` when the log could not be read.
    func resume(_ page: HistoryPage?, seen: Position?, seenVersion: UInt64) {
        isReading = false
        self.seen = seen
        self.seenVersion = seenVersion
        guard !seat.hasLeft, case .replaying(_, let upTo) = phase else { return }
        guard let page, page.top.epoch == upTo.epoch else { return giveUp() }
        let keep = seat.gate
        replay(page.entries)
        withExtendedLifetime(keep) {}
    }

    /// The connection takes more again.
    func becameWritable() {
        guard !seat.hasLeft else { return }
        guard let postponed else { return readOn() }
        guard subscriber.isWritable else { return }
        self.postponed = nil
        for item in held.dropFirst(postponed.heldCount) {
            seen = item.context.position ?? seen
            seenVersion = item.context.version ?? seenVersion
        }
        begin(postponed.start, postponed.page)
    }

    /// The node has room again: the replay goes on.
    func hasRoom() {
        awaitsRoom = false
        guard !seat.hasLeft else { return }
        readOn()
    }

    private func replay(_ page: [HistoryPage.Entry]) {
        guard case .replaying(var after, let upTo) = phase else { return }
        for entry in page {
            guard after < upTo.offset else { break }
            // The rest is read once more when the connection has room again.
            guard subscriber.isWritable else { break }
            // What was promised has been dropped from the log meanwhile: an honest client comes back and is told.
            guard entry.offset == after + 1, let receiver = seat.present else { return giveUp() }
            let position = Position(epoch: upTo.epoch, offset: entry.offset)
            guard let frame = seat.shard.replays.frame(for: entry.publication, at: position, to: seat) else {
                awaitsRoom = true
                break
            }
            after = entry.offset
            if PlantedBug.isOn(.skipInReplay), after % 4 == 0 { continue }
            receiver.deliver(frame)
        }
        guard !seat.hasLeft else { return }
        phase = .replaying(after: after, upTo: upTo)
        if after == upTo.offset {
            release()
        } else if page.isEmpty {
            giveUp()
        } else {
            readOn()
        }
    }

    /// Reads the next page, unless the connection has enough to do.
    private func readOn() {
        guard case .replaying(let after, _) = phase, !isReading, !awaitsRoom, subscriber.isWritable else { return }
        isReading = true
        seat.channel.readOn(after: after, for: seat)
    }

    /// Everything that was missed is there: what was held follows.
    private func release() {
        phase = .passing
        var batch: [Held] = []
        swap(&batch, &held)
        heldBytes = 0
        let (streamSeen, streamVersion) = (seen, seenVersion)
        for item in batch {
            guard !seat.hasLeft else { return }
            pass(item.frame, item.context)
        }
        guard !seat.hasLeft else { return }
        seen = streamSeen
        seenVersion = max(seenVersion, streamVersion)
        openIfCaughtUp()
    }

    private func openIfCaughtUp() {
        guard !seat.hasLeft else { return }
        if let floor {
            guard let seen, seen.epoch == floor.epoch, seen.offset >= floor.offset else { return }
        }
        if let newestFloor {
            // A stream that is still in another log comes to this one, and to what was told.
            guard let seen, seen.epoch == newestFloor.epoch, seen.offset >= newestFloor.offset else { return }
        }
        guard seenVersion >= versionFloor ?? 0 else { return }
        seat.removeGate()
    }

    private func giveUp() {
        let name = seat.channel.name
        held = []
        seat.end { $0.mustRecover(name) }
    }
}
