public import WebSocketCore

/// The share of all channels that one event-loop thread serves: its mailbox, which any thread fills and it empties.
///
/// Channels post under their lock, so what happens in a channel arrives on every shard in the same order. There is no
/// short way around the mailbox for a sender on the same thread, because it would overtake what is waiting.
///
/// The mailbox is emptied in pieces: an iteration of the loop does what ``ShardWork`` allows, and the rest waits until
/// the loop has served its sockets. When more waits than a mailbox holds, an iteration does more, so that what comes in
/// has to wait instead.
public final class Shard: Sendable {
    private struct Mailbox: Sendable {
        var waiting: [Delivery] = []
        /// Of the frames in ``waiting``.
        var bytes = 0
        /// The emptied list of the drain before, kept so that a steady flow allocates nothing.
        var spare: [Delivery] = []
        /// A drain has been asked for and has not ended.
        var isAwake = false
    }

    /// A list of this size (24 KiB) is always kept.
    private static let alwaysKept = 1024
    /// A larger one is kept while bursts use at least a quarter of it, and never one above this size (1.5 MiB).
    private static let keptAtMost = 65_536
    /// Of more deliveries than these an iteration makes at least an eighth.
    private static let heldDeliveries = 32_768
    /// Frames with more bytes than these do not wait for the next iteration.
    private static let heldBytes = 8 << 20

    private let mailbox = Lock(Mailbox())
    private let most = ShardStatistics.Shared()
    private let wake: @Sendable (Shard) -> Void
    private let goOn: @Sendable (Shard) -> Void
    /// The replays of this shard's subscribers. Shard's thread only.
    let replays: Replays
    /// What is being delivered, and the bytes of its frames. Shard's thread only.
    nonisolated(unsafe) private var batch: [Delivery] = []
    nonisolated(unsafe) private var batchBytes = 0
    /// Of this iteration. Shard's thread only.
    nonisolated(unsafe) private var work = ShardWork()
    /// Tells one iteration from those before and after it. Shard's thread only.
    nonisolated(unsafe) private(set) var iteration: UInt16 = 0

    /// Creates the shard of one event-loop thread.
    ///
    /// - Parameters:
    ///   - outputBudget: the node's budget for what waits for slow readers, which replays ask; `nil` for none.
    ///   - wake: makes the loop call ``drain()`` soon, on its own thread; called on any thread, once for all
    ///     deliveries until that drain has ended. It must only schedule: a channel's lock is held while it runs.
    ///   - goOn: makes the loop call ``drain()`` after it has served its sockets; called at the end of a drain, on its
    ///     own thread. As `wake` by default.
    public init(
        outputBudget: OutputBudget? = nil, wake: @escaping @Sendable (Shard) -> Void,
        goOn: (@Sendable (Shard) -> Void)? = nil
    ) {
        self.wake = wake
        self.goOn = goOn ?? wake
        replays = Replays(outputBudget)
    }

    /// The most that one iteration has done so far. Any thread.
    public var statistics: ShardStatistics { most.value }

    /// Hands what is waiting to the subscribers, as much as one iteration may. On the loop's thread, never from inside a
    /// delivery.
    ///
    /// What is left, and what is posted meanwhile, stays for the next drain, which has been asked for then.
    public func drain() {
        var batch = takeBatch()
        work = ShardWork()
        iteration &+= 1
        replays.beginIteration()
        let enough = max(0, (batch.count - Self.heldDeliveries) / 8)
        var index = 0
        while index < batch.count {
            if work.isSpent, index >= enough, isWithinBounds { break }
            deliver(batch[index])
            index &+= 1
        }
        most.note(work)
        finish(&batch, delivered: index)
    }

    /// Enters frames that a subscriber of this shard is delivered alone, and how many of them had to be made. On the
    /// loop's thread.
    public func charge(bytes: Int, encodings: Int) { work.charge(deliveries: 1, bytes: bytes, encodings: encodings) }

    /// Whether this iteration has done enough. Shard's thread only.
    var isSpent: Bool { work.isSpent }

    /// What was left of the drain before, or everything that is waiting.
    private func takeBatch() -> [Delivery] {
        var taken: [Delivery] = []
        swap(&taken, &batch)
        guard taken.isEmpty else { return taken }
        let (waiting, bytes) = mailbox.withLock { mailbox in
            let mail = (mailbox.waiting, mailbox.bytes)
            mailbox.waiting = mailbox.spare
            mailbox.spare = []
            mailbox.bytes = 0
            return mail
        }
        batchBytes = bytes
        taken = waiting
        if PlantedBug.isOn(.swapDeliveries), taken.count > 1 { taken.swapAt(taken.count - 2, taken.count - 1) }
        return taken
    }

    /// Whether the mailbox may hold what is left until the next iteration.
    private var isWithinBounds: Bool {
        batchBytes &+ mailbox.withLock { $0.bytes } <= Self.heldBytes
    }

    private func finish(_ batch: inout [Delivery], delivered count: Int) {
        let isDone = count == batch.count
        if isDone {
            let isKept = Self.isKept(capacity: batch.capacity, used: batch.count)
            batch.removeAll(keepingCapacity: isKept)
        } else {
            batch.removeFirst(count)
            swap(&batch, &self.batch)
        }
        let spare = batch
        let isMore = mailbox.withLock { mailbox in
            if isDone { mailbox.spare = spare }
            mailbox.isAwake = !isDone || !mailbox.waiting.isEmpty
            return mailbox.isAwake
        }
        if isMore { goOn(self) }
    }

    private func deliver(_ delivery: Delivery) {
        let bytes = delivery.byteCount
        batchBytes &-= bytes
        switch delivery {
        case .all(let audience, let frame):
            work.charge(deliveries: audience.count, bytes: bytes)
            audience.deliver(frame)
        case .publication(let audience, let published):
            work.charge(deliveries: audience.count, bytes: bytes)
            audience.deliver(published)
        case .told(let audience, let frame, let context):
            work.charge(deliveries: audience.count, bytes: bytes)
            audience.deliver(frame, context)
        case .roster(let audience, let change):
            work.charge(deliveries: audience.count &* change.frameCount, bytes: bytes)
            audience.deliver(change)
        case .one(let seat, let frame):
            work.charge(deliveries: 1, bytes: bytes)
            seat.present?.deliver(frame)
        case .enter(let seat, let member):
            seat.audience.add(seat)
            if let member { seat.audience.welcome(seat, as: member) }
        case .exit(let seat): seat.clear()
        case .call(let body): body()
        }
    }

    /// Whether an emptied list is worth its memory: one burst now and then must not hold it forever.
    static func isKept(capacity: Int, used: Int) -> Bool {
        capacity <= alwaysKept || capacity <= keptAtMost && used >= capacity / 4
    }

    /// Appends a delivery; the one that finds the shard asleep wakes the loop. Any thread.
    func post(_ delivery: Delivery) {
        let bytes = delivery.byteCount
        let wakes = mailbox.withLock { mailbox in
            mailbox.waiting.append(delivery)
            mailbox.bytes &+= bytes
            if mailbox.isAwake { return false }
            mailbox.isAwake = true
            return true
        }
        if wakes { wake(self) }
    }
}
