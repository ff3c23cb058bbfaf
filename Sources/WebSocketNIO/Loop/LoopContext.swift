import NIOCore
import WebSocketCompression
import WebSocketCore

/// What the connections of one event loop share: the place where payloads are unmasked, the list of connections to
/// flush at the end of the tick, the timer wheel, the codecs, and the clock.
///
/// Confined to its loop's thread.
final class LoopContext {
    let eventLoop: any EventLoop
    /// The loop as sessions see it.
    let webSocketLoop: NIOWebSocketLoop
    let compression: CompressionContext

    /// Connections that are not WebSockets yet.
    var visitors: [ObjectIdentifier: FrontDoorHandler] = [:]
    /// Those of them that were answered and wait for another request.
    var idleVisitors: [ObjectIdentifier: FrontDoorHandler] = [:]
    /// So many connections make a flush a long one.
    private static let largeFlush = 64
    /// Connections that are flushed before the sockets are looked at again.
    private static let flushedAtOnce = 1_024
    /// Bytes of large outputs that are flushed before the sockets are looked at again; the last of them in whole.
    private static let largeFlushedAtOnce = 8 << 20
    /// Connections that have something to write since the last flush: those that were queued something with few others,
    /// and with many.
    private var touched: [FrameHandler] = []
    private var touchedWithMany: [FrameHandler] = []
    private var flushIsScheduled = false
    /// Bytes that are compressed before the next flush, and how many have been.
    private static let compressedAtOnce = 256 << 10
    private var compressedBytes = 0
    /// The limit for large messages and inflated bytes between two polls of the sockets, and the bytes so far.
    private static let largeAtOnce = 512 << 10
    private var largeBytes = 0
    /// Connections that wait with large messages, in order.
    private var largeLine = FairLine<FrameHandler>.ofLargeMessages
    private var largeLineGoesOn = false
    /// Connections that leave before the sockets are looked at again.
    private static let leavingAtOnce = 128
    /// Connections whose peers have ended their side, in the order in which they leave.
    private var leaving: [FrameHandler] = []
    /// What goes on when the sockets have been looked at.
    let afterPoll: AfterPoll
    /// Which pipelined requests are next.
    let requestTurns: RequestTurns
    private var wheel = TimerWheel()
    private var wheelTurns = false
    private var scratch: UnsafeMutableRawBufferPointer
    private var scratchIsInUse = false
    /// The frames that connections share, since the last flush.
    let runs = FrameRuns()
    /// The connections whose peers have not taken everything.
    let backlog: LoopBacklog
    /// Is told of each reader that was cut off.
    let onSlowReader: @Sendable (SlowReader) -> Void
    /// Is told of each connection that this side closes for a reason.
    let onRefusal: @Sendable (Refusal) -> Void
    private var knownRules = ConnectionRulesCache()
    private var assemblingBytes = 0
    private let assemblyBudget: Int
    private let origin: NIODeadline
    /// What the connections are told since the server has begun to stop; nobody is taken in any more.
    private(set) var farewell: Farewell?

    /// Call it on the loop.
    ///
    /// - Parameters:
    ///   - assemblyBudget: bytes that unfinished messages of this loop's connections may hold together.
    ///   - outputBudget: the node's budget for what waits to be written; `nil` for none.
    init(
        eventLoop: any EventLoop, compression: CompressionContext, assemblyBudget: Int,
        outputBudget: OutputBudget? = nil, onSlowReader: @escaping @Sendable (SlowReader) -> Void = { _ in },
        onRefusal: @escaping @Sendable (Refusal) -> Void = { _ in }
    ) {
        self.eventLoop = eventLoop
        afterPoll = AfterPoll(eventLoop)
        webSocketLoop = NIOWebSocketLoop(eventLoop, afterPoll: afterPoll)
        self.compression = compression
        self.assemblyBudget = assemblyBudget
        self.onSlowReader = onSlowReader
        self.onRefusal = onRefusal
        requestTurns = RequestTurns(afterPoll)
        backlog = LoopBacklog(eventLoop: eventLoop, budget: outputBudget)
        origin = eventLoop.now
        scratch = .allocate(byteCount: ReceiveAllocator.capacity + 256, alignment: 64)
    }

    deinit { scratch.deallocate() }

    /// The present on the clock of this loop's connections.
    var now: MonotonicInstant {
        MonotonicInstant(milliseconds: UInt64(clamping: (eventLoop.now - origin).nanoseconds / 1_000_000))
    }

    /// Lends memory of at least `count` bytes for the time of `body`; never allocates for a read of the usual size.
    func withScratch(_ count: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        guard !scratchIsInUse, count <= scratch.count, let base = scratch.baseAddress else {
            let own = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 64)
            defer { own.deallocate() }
            return body(own)
        }
        scratchIsInUse = true
        defer { scratchIsInUse = false }
        body(base)
    }

    /// Notes that a connection has something to write; it is flushed once, at the end of this tick.
    func touch(_ handler: FrameHandler) {
        if webSocketLoop.isQueuingForMany { touchedWithMany.append(handler) } else { touched.append(handler) }
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        eventLoop.assumeIsolated().execute { [self] in turnEnds() }
    }

    /// Flushes, unless that will take a while: then the sockets are looked at once more, so that what has come while
    /// the messages were queued leaves with the same writes.
    private func turnEnds() {
        guard touched.count + touchedWithMany.count >= Self.largeFlush else { return flushTouched() }
        afterPoll.execute { [self] in flushTouched() }
    }

    /// Whether the loop compresses `count` bytes more with one connection's own window before the next flush; any number
    /// as the first. What is beyond leaves as it is, which a peer has to take (RFC 7692 §6): one long message for many
    /// would hold up everybody else.
    func mayCompress(_ count: Int) -> Bool {
        guard compressedBytes == 0 || compressedBytes + count <= Self.compressedAtOnce else { return false }
        compressedBytes += count
        return true
    }

    /// Whether the loop has reached its limit for large messages. A read of 64 KiB may inflate to 64 MiB, and the last byte
    /// of a MiB may cost a session as much as thousands of short messages.
    var hasHandledEnough: Bool { largeBytes >= Self.largeAtOnce || webSocketLoop.holdsLargeMessages }

    /// Counts bytes of a connection's large message.
    ///
    /// - Returns: whether the connection's remaining input must wait.
    func countLarge(_ count: Int, of handler: FrameHandler) -> Bool {
        guard count > 0 else { return false }
        largeBytes += count
        largeLine.handled(count, id: Self.id(of: handler), now: now.milliseconds)
        if hasHandledEnough { serveLargeLine() }
        return hasHandledEnough
    }

    /// Adds a connection to the line; the loop reads it again on its turn.
    func waitForTurn(_ handler: FrameHandler) {
        largeLine.append(handler, id: Self.id(of: handler))
        serveLargeLine()
    }

    private static func id(of handler: FrameHandler) -> UInt { UInt(bitPattern: ObjectIdentifier(handler).hashValue) }

    private func serveLargeLine(after pause: TimeAmount = .milliseconds(1)) {
        guard !largeLineGoesOn else { return }
        largeLineGoesOn = true
        // A task that is due when the others have run would run before the sockets are looked at.
        eventLoop.assumeIsolated().scheduleTask(in: pause) { [self] in
            let began = eventLoop.now
            largeBytes = 0
            var left = largeLine.count
            while left > 0, !hasHandledEnough,
                let handler = largeLine.popFirst(prefersModest: largeBytes < Self.largeAtOnce / 2)
            {
                left -= 1
                handler.turnCame()
            }
            largeLineGoesOn = false
            // Other connections get as much time as that took: their messages need several iterations.
            guard !largeLine.isEmpty || hasHandledEnough else { return }
            serveLargeLine(after: max(.milliseconds(1), eventLoop.now - began))
        }
    }

    private func flushTouched() {
        compressedBytes = 0
        var bytes = Self.largeFlushedAtOnce
        guard touchedWithMany.isEmpty, touched.count <= Self.flushedAtOnce else { return flushSome(&bytes) }
        if touched.count == 1, let only = touched.first, only.bytesToFlush < FrameHandler.highMark {
            // The usual case where little happens: no list changes hands.
            touched.removeAll(keepingCapacity: true)
            only.flush()
            webSocketLoop.isWritingLargeMessages = false
            webSocketLoop.isCrowded = false
            guard touched.isEmpty, touchedWithMany.isEmpty else { return flushGoesOn() }
            flushIsScheduled = false
            return runs.endTurn()
        }
        var batch: [FrameHandler] = []
        swap(&batch, &touched)
        let large = flush(batch[...], &bytes)
        webSocketLoop.isWritingLargeMessages = !large.isEmpty
        webSocketLoop.isCrowded = false
        guard large.isEmpty, touched.isEmpty, touchedWithMany.isEmpty else {
            touched += large
            return flushGoesOn()
        }
        flushIsScheduled = false
        batch.removeAll(keepingCapacity: true)
        swap(&batch, &touched)
        runs.endTurn()
    }

    /// Flushes as many as there may be before the sockets are looked at again.
    private func flushSome(_ bytes: inout Int) {
        var few: [FrameHandler] = []
        var many: [FrameHandler] = []
        swap(&few, &touched)
        swap(&many, &touchedWithMany)
        // A quiet room does not wait until a channel of ten thousand was written to.
        let ofMany = min(many.count, max(Self.flushedAtOnce / 2, Self.flushedAtOnce - few.count))
        let ofFew = min(few.count, Self.flushedAtOnce - ofMany)
        let large = flush(few.prefix(ofFew), &bytes)
        let largeOfMany = flush(many.prefix(ofMany), &bytes)
        webSocketLoop.isWritingLargeMessages = !large.isEmpty || !largeOfMany.isEmpty
        webSocketLoop.isCrowded = ofFew < few.count || ofMany < many.count
        Self.replaceFirst(ofFew, of: &few, behindRest: touched, large)
        Self.replaceFirst(ofMany, of: &many, behindRest: touchedWithMany, largeOfMany)
        touched = few
        touchedWithMany = many
        guard touched.isEmpty, touchedWithMany.isEmpty else { return flushGoesOn() }
        flushIsScheduled = false
        runs.endTurn()
    }

    /// The others are flushed when the sockets have been looked at: a crowd does not hold up those who send.
    private func flushGoesOn() {
        afterPoll.execute { [self] in flushTouched() }
    }

    /// Takes the first `count` off a list, whose memory stays, and appends those that were queued something meanwhile and
    /// those that have to wait.
    private static func replaceFirst(
        _ count: Int, of list: inout [FrameHandler], behindRest touched: [FrameHandler], _ large: [FrameHandler]
    ) {
        if count == list.count { list.removeAll(keepingCapacity: true) } else { list.removeFirst(count) }
        if !touched.isEmpty { list += touched }
        if !large.isEmpty { list += large }
    }

    /// Flushes connections.
    ///
    /// - Parameter left: bytes of large outputs that may leave yet; the last of them in whole.
    /// - Returns: those that have to wait: one message of a MiB to a thousand members takes a second, and short messages go
    ///   ahead of it.
    private func flush(_ handlers: ArraySlice<FrameHandler>, _ left: inout Int) -> [FrameHandler] {
        var large: [FrameHandler] = []
        for handler in handlers {
            let count = handler.bytesToFlush
            if count >= FrameHandler.highMark {
                guard left > 0 else {
                    large.append(handler)
                    continue
                }
                left -= count
            }
            handler.flush()
        }
        return large
    }

    /// Flushes and closes a connection whose peer has ended its side, in its turn: a crowd that leaves does not hold up
    /// those who stay.
    func leave(_ handler: FrameHandler) {
        leaving.append(handler)
        if leaving.count == 1 { eventLoop.assumeIsolated().execute { [self] in letSomeLeave() } }
    }

    private func letSomeLeave() {
        let some = Array(leaving.prefix(Self.leavingAtOnce))
        for handler in some { handler.flush() }
        leaving.removeFirst(some.count)
        if !leaving.isEmpty { afterPoll.execute { [self] in letSomeLeave() } }
    }

    /// The rules for these limits, shared by the connections that have the same.
    func rules(role: Role, limits: ConnectionLimits) -> ConnectionRules {
        knownRules.rules(role: role, limits: limits)
    }

    /// Counts what unfinished messages hold; `false` when it is more than the loop's share of the node's budget.
    func accountAssembly(_ change: Int) -> Bool {
        assemblingBytes += change
        return change <= 0 || assemblingBytes <= assemblyBudget
    }

    /// The loop holds too much of unfinished messages: closes those that hold most, until an eighth is free.
    func shedAssembly() {
        let holders = connections.filter { $0.accountedBytes > 0 && $0.machine.maySend }
            .sorted { $0.accountedBytes > $1.accountedBytes }
        for handler in holders {
            guard assemblingBytes > assemblyBudget - assemblyBudget / 8 else { return }
            handler.close(CloseFrame(code: .tryAgainLater, reason: "too many unfinished messages on this server"))
            handler.settle()
        }
    }

    /// Puts a connection on the timer wheel, at its next deadline.
    func schedule(_ handler: FrameHandler, at deadline: MonotonicInstant) {
        wheel.schedule(handler, at: deadline, now: now)
        turnWheel()
    }

    /// Keeps the wheel turning as long as somebody is on it.
    private func turnWheel() {
        guard !wheelTurns, !wheel.isEmpty else { return }
        wheelTurns = true
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(TimerWheel.resolution))) { [self] in
            wheelTurns = false
            for handler in wheel.advance(to: now) { handler.timerFired() }
            turnWheel()
        }
    }

    /// Takes a connection off the timer wheel.
    func unschedule(_ handler: FrameHandler) { wheel.remove(handler) }

    /// All open connections of the loop.
    var connections: [FrameHandler] { wheel.all }

    /// How many those are.
    var connectionCount: Int { wheel.count }

    /// Closes everybody, and from now on whoever still comes.
    func stop(_ farewell: Farewell) {
        self.farewell = farewell
        for visitor in Array(visitors.values) { visitor.stop() }
        var waiting = 0
        let connections = connections
        for connection in connections where connection.machine.maySend {
            let limits = connection.rules.limits
            let delay = farewell.delay(for: limits, number: waiting, of: connections.count)
            if limits.stopCode != nil { waiting += 1 }
            if delay < TimerWheel.resolution {
                connection.bid(farewell)
            } else {
                schedule(connection, at: now.advanced(by: delay))  // its timer closes it
            }
        }
    }

    /// Closes some of the connections that wait for another request.
    func closeIdleVisitors() { for visitor in idleVisitors.values.prefix(256).map({ $0 }) { visitor.closeIfIdle() } }

    /// Whether nobody is there any more to whom something is owed.
    var isIdle: Bool { connectionCount == 0 && !visitors.values.contains { $0.isServing } }

    /// Ends whoever is still there.
    func cutOff() {
        for connection in connections { connection.cutOff() }
        for visitor in Array(visitors.values) { visitor.close() }
    }
}

@available(*, unavailable)
extension LoopContext: Sendable {}
