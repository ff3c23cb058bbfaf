public import WebSocketCore

/// The share of all channels that one event-loop thread serves: its mailbox, which any thread fills and it empties.
///
/// Channels post under their lock, so what happens in a channel arrives on every shard in the same order. There is no
/// short way around the mailbox for a sender on the same thread, because it would overtake what is waiting.
///
/// An iteration of the loop does what ``ShardWork`` allows, and the rest waits until the loop has served its sockets. It
/// waits apart for each audience, and these take turns: nobody's message comes late because many join, or are given what
/// they missed, in another channel. When more waits than a shard holds, an iteration does more, so that what comes in has
/// to wait instead.
///
/// What connections ask for takes turns as well, see ``takesCommand(_:_:)``.
public final class Shard: Sendable {
    private struct Mailbox: Sendable {
        var waiting: [Delivery] = []
        /// Of the frames in ``waiting``.
        var bytes = 0
        /// The emptied list of the drain before, kept so that a steady flow allocates nothing.
        var spare: [Delivery] = []
        /// A drain has been asked for and has not ended.
        var isAwake = false
        /// The shard has paused large messages: more than ``heldBytes`` wait.
        var isFull = false
    }

    /// A list of this size (24 KiB) is always kept.
    private static let alwaysKept = 1024
    /// A larger one is kept while bursts use at least a quarter of it, and never one above this size (1.5 MiB).
    private static let keptAtMost = 65_536
    /// Of more deliveries than these an iteration makes at least an eighth.
    private static let heldDeliveries = 32_768
    /// Frames with more bytes than these do not wait for the next iteration.
    private static let mostHeldBytes = 8 << 20
    /// The same of this shard: a quarter of the output budget where that is less.
    private let heldBytes: Int

    private let mailbox = Lock(Mailbox())
    private let most = ShardStatistics.Shared()
    private let wake: @Sendable (Shard) -> Void
    private let goOn: @Sendable (Shard) -> Void
    private let isCrowded: @Sendable () -> Bool
    private let isWritingLargeMessages: @Sendable () -> Bool
    /// The replays of this shard's subscribers. Shard's thread only.
    let replays: Replays
    /// Audiences that wait for the next iteration, how many deliveries they wait for, and the bytes of their frames. What
    /// is remembered of their turns is in iterations. Shard's thread only.
    nonisolated(unsafe) private var waiting = FairLine<Audience>(share: ShardWork.smallCost, memory: 128)
    nonisolated(unsafe) private var waitingCount = 0
    nonisolated(unsafe) private var waitingBytes = 0
    /// Deliveries of one audience before it is another one's turn, and calls of subscribers.
    private static let turns = 32
    private static let callsInTurn = 2_048
    /// The bound of an iteration, however much waits: a multiple of ``ShardWork/maximumDeliveries``.
    private static let mostTimes = 2
    /// Of hubs for which something waits, or did in the iteration before. Shard's thread only.
    nonisolated(unsafe) private var waitingLoads: [DeliveryLoad] = []
    private let holdLargeMessages: @Sendable (Bool) -> Void
    private let queuesForMany: @Sendable (Bool) -> Void
    /// Connections that wait with their commands. Shard's thread only.
    nonisolated(unsafe) private var commandTurns = TwoLines<Subscriber>()
    /// Of this iteration. Shard's thread only.
    nonisolated(unsafe) private var work = ShardWork()
    /// Tells one iteration from those before and after it. Shard's thread only.
    nonisolated(unsafe) private(set) var iteration: UInt16 = 0
    nonisolated(unsafe) private var drains: UInt64 = 0

    /// Creates the shard of one event-loop thread.
    ///
    /// - Parameters:
    ///   - outputBudget: the node's budget for what waits for slow readers, which replays ask; `nil` for none.
    ///   - wake: makes the loop call ``drain()`` soon, on its own thread; called on any thread, once for all
    ///     deliveries until that drain has ended. It must only schedule: a channel's lock is held while it runs.
    ///   - goOn: makes the loop call ``drain()`` after it has served its sockets; called at the end of a drain, on its
    ///     own thread. As `wake` by default.
    ///   - isCrowded: whether the loop should write before more is delivered that waits already; called on its own
    ///     thread. Never by default.
    ///   - isWritingLargeMessages: whether large messages wait to be written, so that no others are delivered yet; called
    ///     on its own thread. Never by default.
    ///   - queuesForMany: says whether what is delivered from now on goes to many subscribers (`true`) or to few; called on
    ///     its own thread.
    ///   - holdLargeMessages: pauses (`true`) or resumes (`false`) large messages while too many bytes wait to be
    ///     delivered; called on any thread. It must only schedule, as `wake`.
    public init(
        outputBudget: OutputBudget? = nil, wake: @escaping @Sendable (Shard) -> Void,
        goOn: (@Sendable (Shard) -> Void)? = nil, isCrowded: @escaping @Sendable () -> Bool = { false },
        isWritingLargeMessages: @escaping @Sendable () -> Bool = { false },
        queuesForMany: @escaping @Sendable (Bool) -> Void = { _ in },
        holdLargeMessages: @escaping @Sendable (Bool) -> Void = { _ in }
    ) {
        self.holdLargeMessages = holdLargeMessages
        self.queuesForMany = queuesForMany
        heldBytes = outputBudget.map { min(Self.mostHeldBytes, $0.limit / 4) } ?? Self.mostHeldBytes
        self.wake = wake
        self.goOn = goOn ?? wake
        self.isCrowded = isCrowded
        self.isWritingLargeMessages = isWritingLargeMessages
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
        if work.points > 0 { most.notePoints(work) }
        work = ShardWork()
        iteration &+= 1
        drains &+= 1
        replays.beginIteration()
        let enough = max(0, (waitingCount &+ batch.count &- Self.heldDeliveries) / 8)
        // What is new has the other half to itself.
        serveWaiting(atLeast: enough, part: 2, ofModest: 4)
        var index = 0
        while index < batch.count {
            deliverInTurn(batch[index])
            index &+= 1
        }
        serveWaiting(atLeast: 0, part: 1, ofModest: 1)
        if !commandTurns.isEmpty { serveCommands() }
        if waitingCount == 0 { waiting.forget(now: drains) }
        most.note(work)
        finish(&batch)
    }

    /// Delivers, unless its audience has to wait.
    private func deliverInTurn(_ delivery: Delivery) {
        let mustWait = work.isSpent || hasToWait(delivery)
        guard mustWait || waitingCount > 0, let audience = delivery.audience else { return deliver(delivery) }
        guard mustWait || !audience.waiting.isEmpty else {
            let before = work
            deliver(delivery)
            return note(audience, before)
        }
        if audience.waiting.isEmpty { putInLine(audience) }
        audience.append(delivery)
        if !audience.load.isListed {
            audience.load.isListed = true
            waitingLoads.append(audience.load)
        }
        waitingCount &+= 1
        waitingBytes &+= delivery.byteCount
    }

    /// Whether a delivery waits until the loop has written what it was given before of that kind.
    private func hasToWait(_ delivery: Delivery) -> Bool {
        delivery.byteCount >= ShardWork.largeBytes && isWritingLargeMessages()
    }

    /// Goes round the audiences that wait until that is enough.
    ///
    /// - Parameters:
    ///   - least: the loop makes at least this many deliveries, even if the iteration has no work left for them.
    ///   - part: it stops after one of `part` equal parts of the iteration's work.
    ///   - ofModest: until one of `ofModest` equal parts is spent, channels that have had little lately come first.
    private func serveWaiting(atLeast least: Int, part: Int, ofModest: Int) {
        var count = 0
        var passedOver = 0
        while waitingCount > 0, passedOver < waiting.count {
            if work.isSpent(part: part) || isCrowded(),
                (count >= least && isWithinBounds) || work.isSpent(times: Self.mostTimes)
            {
                return
            }
            let next = waiting.popFirst(prefersModest: !work.isSpent(part: ofModest)) { audience in
                audience.waitingCost >= ShardWork.smallCost
            }
            guard let audience = next else { return }
            if let next = audience.waiting.first, hasToWait(next.delivery) {
                putInLine(audience)
                passedOver &+= 1
                continue
            }
            passedOver = 0
            var turn = 0
            let before = work
            let enough = work.deliveries &+ Self.callsInTurn
            while turn < Self.turns, turn == 0 || !work.isSpent(part: part) && work.deliveries < enough,
                let next = audience.waiting.first, turn == 0 || !hasToWait(next.delivery),
                let delivery = audience.popFirst()
            {
                waitingCount &-= 1
                waitingBytes &-= delivery.byteCount
                deliver(delivery)
                turn &+= 1
            }
            count &+= turn
            note(audience, before)
            if !audience.waiting.isEmpty { putInLine(audience) }
        }
    }

    /// Enters what an audience has had since `before`, while others wait.
    private func note(_ audience: Audience, _ before: ShardWork) {
        waiting.handled(work.cost(since: before), id: Self.id(of: audience), now: drains)
    }

    private func putInLine(_ audience: Audience) {
        waiting.append(audience, id: Self.id(of: audience))
    }

    private static func id(of audience: Audience) -> UInt { UInt(bitPattern: ObjectIdentifier(audience).hashValue) }

    /// Points of an iteration from which on connections wait that want something now and then, too: about fifteen
    /// milliseconds' work.
    private static let mostPoints = 8 &* ShardWork.maximumPoints

    /// Enters what a message of a connection asks for. `false` when others come first: its carrier should hand over
    /// nothing more, and the connection has to ``waitForTurn(_:_:)``. On the loop's thread.
    ///
    /// - Parameters:
    ///   - cost: see ``CommandCost``.
    ///   - turn: the connection's own.
    public func takesCommand(_ cost: Int, _ turn: inout CommandTurn) -> Bool {
        work.charge(points: cost)
        turn.take(cost, in: iteration)
        let isOver = turn.isOver(commandTurns.otherCount)
        if !work.hasSpentPoints { return commandTurns.isEmpty || !isOver }
        return turn.isModest && !isOver && work.points < Self.mostPoints
    }

    /// Calls ``Subscriber/turnCame()`` in one of the next iterations, when those have had their turn that have waited
    /// before and want as little or as much. On the loop's thread.
    public func waitForTurn(_ subscriber: Subscriber, _ turn: CommandTurn) {
        commandTurns.append(subscriber, isModest: turn.isModest)
        let isAsleep = mailbox.withLock { mailbox in
            defer { mailbox.isAwake = true }
            return !mailbox.isAwake
        }
        if isAsleep { goOn(self) }
    }

    private func serveCommands() {
        var spent = 0
        // A turn of each is enough: one that wants much must not have half of every iteration for itself.
        var others = commandTurns.otherCount
        while !work.hasSpentPoints, spent < CommandTurn.leastPoints || !work.isSpent {
            let prefersModest = spent < (work.isSpent ? CommandTurn.leastPoints : ShardWork.maximumPoints) / 2
            let before = commandTurns.otherCount
            let next = commandTurns.popFirst(prefersModest: prefersModest || others <= 0)
            guard let subscriber = next else { return }
            others -= before - commandTurns.otherCount
            let points = work.points
            subscriber.turnCame()
            // One that wanted nothing any more has cost something, too.
            if work.points == points { work.charge(points: CommandCost.ofMessage) }
            spent += work.points - points
        }
    }

    /// Enters frames that a subscriber of this shard is delivered alone, and how many of them had to be made. On the
    /// loop's thread.
    public func charge(bytes: Int, encodings: Int) { work.charge(deliveries: 1, bytes: bytes, encodings: encodings) }

    /// Whether the node has room for a frame of `bytes` that goes to one connection alone; for one of less than
    /// 64 KiB it always has. A connection for which there is none is closed with a code that means "come back". On the
    /// loop's thread.
    public func takesRoom(for bytes: Int) -> Bool { replays.takesRoom(forOwn: bytes) }

    /// Whether this iteration has done enough. Shard's thread only.
    var isSpent: Bool { work.isSpent }

    private func takeBatch() -> [Delivery] {
        var taken = mailbox.withLock { mailbox in
            let waiting = mailbox.waiting
            mailbox.waiting = mailbox.spare
            mailbox.spare = []
            mailbox.bytes = 0
            return waiting
        }
        if PlantedBug.isOn(.swapDeliveries), taken.count > 1 { taken.swapAt(taken.count - 2, taken.count - 1) }
        return taken
    }

    /// Whether what is left may wait until the next iteration.
    private var isWithinBounds: Bool {
        waitingBytes &+ mailbox.withLock { $0.bytes } <= heldBytes
    }

    private func finish(_ batch: inout [Delivery]) {
        let isKept = Self.isKept(capacity: batch.capacity, used: batch.count)
        batch.removeAll(keepingCapacity: isKept)
        let (spare, mustGoOn) = (batch, tellGates() || waitingCount > 0 || !commandTurns.isEmpty)
        let (isMore, isFull, wasFull) = mailbox.withLock { mailbox in
            let wasFull = mailbox.isFull
            mailbox.spare = spare
            mailbox.isAwake = mustGoOn || !mailbox.waiting.isEmpty
            mailbox.isFull = waitingBytes &+ mailbox.bytes > heldBytes
            return (mailbox.isAwake, mailbox.isFull, wasFull)
        }
        if isFull != wasFull { holdLargeMessages(isFull) }
        if isMore { goOn(self) }
    }

    /// Whether a gate has something for the next iteration.
    private func tellGates() -> Bool {
        guard !waitingLoads.isEmpty else { return false }
        let count = waitingLoads.count
        var isMore = false
        waitingLoads.removeAll { load in
            let isWaiting = load.endIteration(count)
            isMore = isMore || isWaiting
            load.isListed = isWaiting || load.cost > 0
            return !load.isListed
        }
        return isMore
    }

    private func deliver(_ delivery: Delivery) {
        let bytes = delivery.byteCount
        switch delivery {
        case .all(let audience, let frame):
            deliver(to: audience, frames: 1, bytes) { audience.deliver(frame) }
        case .publication(let audience, let published):
            deliver(to: audience, frames: 1, bytes) { audience.deliver(published) }
        case .told(let audience, let frame, let context):
            deliver(to: audience, frames: 1, bytes) { audience.deliver(frame, context) }
        case .roster(let audience, let change):
            deliver(to: audience, frames: change.frameCount, bytes) { audience.deliver(change) }
        case .one(let seat, let frame):
            work.charge(deliveries: 1, bytes: bytes)
            guard let subscriber = seat.present else { break }
            guard takesRoom(for: bytes) else { return subscriber.mustRecover(seat.channel.name) }
            subscriber.deliver(frame)
        case .enter(let seat, let member):
            seat.audience.add(seat)
            if let member { seat.audience.welcome(seat, as: member) }
        case .exit(let seat): seat.clear()
        case .turn(let turn): turn.body()
        case .call(let body): body()
        }
    }

    @inline(__always)
    private func deliver(to audience: Audience, frames: Int, _ bytes: Int, _ body: () -> Void) {
        let count = audience.count
        work.charge(deliveries: count &* frames, bytes: bytes)
        guard count >= ShardWork.manySubscribers else { return body() }
        queuesForMany(true)
        body()
        queuesForMany(false)
    }

    /// Whether an emptied list is worth its memory: one burst now and then must not hold it forever.
    static func isKept(capacity: Int, used: Int) -> Bool {
        capacity <= alwaysKept || capacity <= keptAtMost && used >= capacity / 4
    }

    /// Appends a delivery; the one that finds the shard asleep wakes the loop. Any thread.
    func post(_ delivery: Delivery) {
        let bytes = delivery.byteCount
        let (wakes, fills) = mailbox.withLock { mailbox in
            mailbox.waiting.append(delivery)
            mailbox.bytes &+= bytes
            // Not only when this shard looks: while it is busy, others fill its mailbox.
            let fills = mailbox.bytes > heldBytes && !mailbox.isFull
            if fills { mailbox.isFull = true }
            if mailbox.isAwake { return (false, fills) }
            mailbox.isAwake = true
            return (true, fills)
        }
        if wakes { wake(self) }
        if fills { holdLargeMessages(true) }
    }
}
