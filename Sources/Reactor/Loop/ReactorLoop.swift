#if os(Linux)
import CEpoll
import Glibc
import WebSocketCore

/// One epoll loop on a thread of its own, and everything about the connections it has.
///
/// A tick: wait for events, read what each connection may have read in a tick, do what other threads ask, fire the
/// timers that are due, end the connections that are to end, and write what was queued, once for each connection. Every
/// step has a bound; what is over waits for the next tick, so that nobody starves. Only ``execute(_:)`` may be called on
/// other threads.
final class ReactorLoop: WebSocketLoop, @unchecked Sendable {
    let locals = LoopLocals()
    let slab = Slab()
    let poller: Poller
    /// What is written at the end of the tick.
    let tickOutput: UnsafeMutablePointer<TickOutput> = .allocate(capacity: 1)
    let input: UnsafeMutableRawPointer
    var wheel: TimerWheel
    var statistics = ReactorStatistics()
    /// The time of this tick.
    var now: MonotonicInstant
    /// What new connections are told since the reactor has begun to stop.
    var farewell: Farewell?
    /// The frame that was last compressed for several connections, in the forms it has been sent in this tick.
    var compressedForms: [(frame: SharedFrame, compressor: ObjectIdentifier, form: SharedFrame)] = []

    /// Bytes of unfinished messages that the loop's connections hold, and may hold.
    var assemblingBytes = 0
    private(set) var assemblyBudget = 0
    private(set) var onSlowReader: @Sendable (SlowReader) -> Void = { _ in }
    /// Is told of each connection that this side closes for a reason.
    private(set) var onRefusal: @Sendable (Refusal) -> Void = { _ in }

    /// Bytes that were compressed in this turn.
    var compressedBytes = 0
    /// Bytes of large messages and inflated bytes in this iteration.
    var largeBytes = 0
    /// The connection whose large message was counted last in this iteration.
    var lastCounted: SlotHandle?
    /// The limit for ``largeBytes``; 0 while ``holdLargeMessages(_:)`` is on.
    private(set) var mostLargeBytes: Int
    /// Connections that wait with large messages.
    var largeLine = FairLine<SlotHandle>.ofLargeMessages
    /// Bytes of large runs and backlogs that were sent in this tick.
    var largeBytesSent = 0
    /// 2 when one of them has had to wait in this tick, 1 when it had to in the one before.
    var largeOutputWaits: UInt8 = 0
    /// The memory of what waits for slow readers, and the most that one of them has waiting, or had.
    let heldOutput: HeldOutput
    var backlogBytes: Int { heldOutput.bytes }
    var longestBacklog = 0
    /// The run that was last copied for backlogs, in this tick.
    var lastHeldRun: (run: RunHandle, held: HeldRun)?
    /// Backlogs that need only the beginning of a run, in this tick.
    var endsOfRuns: [Backlog] = []
    var backlogsHaveChanged = false
    /// This loop's place in the node's budget for that.
    var budget: OutputBudget.Member?

    let limits: LoopLimits
    private let loops: Int
    private let inbox: Inbox
    private let origin: UInt64
    private var rules = ConnectionRulesCache()
    private var thread = pthread_t()
    private var isRunning = true
    /// The loop has given itself something to do since it last looked into the inbox.
    private var hasOwnTasks = false
    private var tasks: [Inbox.Job] = []
    private var nextTask = 0
    private var condemned: [SlotHandle] = []
    /// Connections whose sessions are told something when the loop has written.
    private var toBeTold: [SlotHandle] = []
    private var isWriting = false

    /// Input that a connection may have read in a tick, in bytes.
    static let readBudget = 64 << 10
    /// Room before what is read, for what was left of the read before: an incomplete frame of at most 139 bytes.
    static let inputHeadroom = 256
    /// 16 KiB count as a write more, so that a tick writes 8 MiB and the last one's bytes at most.
    private static let writeShift = 14

    /// - Parameters:
    ///   - loops: how many the reactor has, which share the budgets of the node.
    ///   - limits: how much it collects and does in a tick.
    init(loops: Int, limits: LoopLimits = LoopLimits()) throws(ReactorError) {
        self.loops = loops
        self.limits = limits
        mostLargeBytes = limits.largeBytes
        heldOutput = HeldOutput(releasesAtOnce: limits.releasesAtOnce)
        poller = try Poller()
        inbox = Inbox(waker: poller.waker)
        input = .allocate(byteCount: Self.inputHeadroom + Self.readBudget, alignment: 64)
        origin = Self.clock()
        now = MonotonicInstant(milliseconds: 0)
        wheel = TimerWheel(slab: slab, now: now)
        tickOutput.initialize(to: TickOutput(loop: self, limits: limits))
    }

    deinit {
        input.deallocate()
        tickOutput.pointee.deallocate()
        tickOutput.deinitialize(count: 1)
        tickOutput.deallocate()
    }

    // MARK: - Thread

    /// Starts the thread; the loop lives as long as that runs.
    func start(name: String, _ environment: CarrierEnvironment) throws(ReactorError) {
        enter(environment)
        let start = Start(loop: self, name: name)
        var created = pthread_t()
        let code = pthread_create(
            &created, nil,
            { argument in
                if let argument { Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(start).release()
            throw .system("pthread_create", errno: code)
        }
        start.waitUntilItRuns()
    }

    /// Takes its part in the node's budgets; the loop's end gives it back.
    func enter(_ environment: CarrierEnvironment) {
        assemblyBudget = environment.assemblyBudget / loops
        onSlowReader = environment.onSlowReader
        onRefusal = environment.onRefusal
        // Not weak: weak references make every counting of references dearer.
        budget = environment.outputBudget.join { [self] request in
            execute { [self] in shed(request) }
        }
    }

    /// Makes the calling thread the loop's own, when nobody calls ``start(name:_:)``.
    func takeThread() { thread = pthread_self() }

    /// Lets the thread that starts a loop wait until the loop knows its own.
    private final class Start: @unchecked Sendable {
        private let loop: ReactorLoop
        private let name: String
        private let semaphore: UnsafeMutablePointer<sem_t>

        init(loop: ReactorLoop, name: String) {
            self.loop = loop
            self.name = name
            semaphore = .allocate(capacity: 1)
            sem_init(semaphore, 0, 0)
        }

        deinit {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }

        func run() {
            loop.takeThread()
            pthread_setname_np(loop.thread, name)
            let loop = loop
            sem_post(semaphore)
            loop.run()
        }

        func waitUntilItRuns() {
            while sem_wait(semaphore) != 0, errno == EINTR {}
        }
    }

    /// Waits for the thread's end; on another thread, after ``end()``.
    func join() { pthread_join(thread, nil) }

    var isOnLoop: Bool { pthread_equal(pthread_self(), thread) != 0 }

    func execute(_ task: @escaping @Sendable () -> Void) {
        let isOnLoop = isOnLoop
        if isOnLoop { hasOwnTasks = true }
        // After its end a loop has nothing that could be done.
        _ = inbox.append(task, isOnLoop: isOnLoop)
    }

    /// Tasks that a task has asked for come with the next tick.
    func executeAfterInput(_ task: @escaping @Sendable () -> Void) { execute(task) }

    /// Where the arena is half full, so that what sessions answer still has room.
    var isCrowded: Bool { tickOutput.pointee.usage.bytes > limits.arenaBytes / 4 }

    func queuesForMany(_ isOn: Bool) { tickOutput.pointee.queuesForMany(isOn) }

    var isWritingLargeMessages: Bool { largeOutputWaits > 0 }

    func holdLargeMessages(_ isOn: Bool) { mostLargeBytes = isOn ? 0 : limits.largeBytes }

    /// Runs a task, or says that it never will be.
    func tryExecute(_ task: @escaping @Sendable () -> Void) -> Bool { inbox.append(task, isOnLoop: isOnLoop) }

    /// Ends the thread after this tick; every connection is cut off. On the loop.
    func end() { isRunning = false }

    private func run() {
        now = MonotonicInstant(milliseconds: (Self.clock() &- origin) / 1_000_000)
        while isRunning {
            let events = poller.wait(waitingTime)
            let began = Self.clock()
            turn(events, at: MonotonicInstant(milliseconds: (began &- origin) / 1_000_000))
            statistics.longestTickMicroseconds = max(
                statistics.longestTickMicroseconds, Int(truncatingIfNeeded: (Self.clock() &- began) / 1000))
        }
        finish()
    }

    /// Does every task that was ever taken in, and ends every connection.
    func finish() {
        let left = tasks[nextTask...]
        tasks = []
        nextTask = 0
        for job in left { job.run() }
        for job in inbox.close() { job.run() }
        forEachConnection { condemn($0) }
        while let slot = largeLine.popFirst(prefersModest: true) { leaveLine(slot) }
        repeat {
            endCondemned()
            write(atMost: .max)
            tellSessions()
        } while !condemned.isEmpty || !toBeTold.isEmpty || !tickOutput.pointee.isEmpty
        heldOutput.release(atMost: .max)
        publishBacklogs()
        assert(leftovers == Leftovers(), "a loop ends with \(leftovers)")
        budget = nil
    }

    /// What connections have on a loop; nothing of it is left after its end.
    struct Leftovers: Equatable {
        var slots = 0
        var assemblingBytes = 0
        var backlogBytes = 0
        var hasOutput = false
    }

    var leftovers: Leftovers {
        Leftovers(
            slots: slab.count, assemblingBytes: assemblingBytes, backlogBytes: backlogBytes,
            hasOutput: !tickOutput.pointee.isEmpty)
    }

    /// One tick, after so many events have been taken from the kernel.
    func turn(_ events: Int, at now: MonotonicInstant) {
        self.now = now
        compressedBytes = 0
        if !largeLine.isEmpty { serveLargeLine() }
        for index in 0..<events {
            if let event = poller.event(index) {
                handle(event.readiness, event.slot)
            } else {
                hasOwnTasks = true
            }
        }
        if hasOwnTasks { doTasks() }
        fireTimers()
        if !toBeTold.isEmpty { tellSessions() }
        if !condemned.isEmpty { endCondemned() }
        if heldOutput.hasDiscarded { releaseDiscarded() }
        if !tickOutput.pointee.isEmpty { write(atMost: limits.writesPerTick) }
        if !toBeTold.isEmpty { tellSessions() }
        if backlogsHaveChanged { publishBacklogs() }
        if largeBytes | largeBytesSent | Int(largeOutputWaits) != 0 { endLargeWork() }
        statistics.ticks &+= 1
        statistics.events &+= events
        statistics.mostEvents = max(statistics.mostEvents, events)
    }

    /// A tick in which something large was read or sent, or had to wait, is over.
    @inline(never)
    private func endLargeWork() {
        statistics.mostLargeBytes = max(statistics.mostLargeBytes, largeBytes)
        statistics.mostLargeBytesSent = max(statistics.mostLargeBytesSent, largeBytesSent)
        largeBytes = 0
        lastCounted = nil
        largeBytesSent = 0
        if largeOutputWaits > 0 { largeOutputWaits &-= 1 }
    }

    /// Milliseconds that the loop may wait for events.
    private var waitingTime: Int32 {
        if hasOwnTasks || !tickOutput.pointee.isEmpty || !condemned.isEmpty || !toBeTold.isEmpty
            || !largeLine.isEmpty || heldOutput.hasDiscarded
        {
            return 0
        }
        guard let time = wheel.wait(now: now) else { return -1 }
        return Int32(clamping: time)
    }

    /// Nanoseconds since the machine was started.
    private static func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }

    private func releaseDiscarded() {
        let count = heldOutput.release(atMost: limits.releasesPerTick)
        statistics.mostReleases = max(statistics.mostReleases, count)
        backlogHasChanged(to: 0)
    }

    private func doTasks() {
        if tasks.isEmpty {
            hasOwnTasks = false
            inbox.take(&tasks)
        }
        let end = min(tasks.count, nextTask + limits.tasksPerTick)
        while nextTask < end {
            let task = tasks[nextTask]
            nextTask += 1
            task.run()
        }
        if nextTask < tasks.count {
            hasOwnTasks = true
        } else {
            // At once: what they hold is to go with them.
            nextTask = 0
            tasks.removeAll(keepingCapacity: tasks.capacity <= 1024)
        }
    }

    private func fireTimers() {
        guard let time = wheel.wait(now: now), time == 0 else { return }
        var fired = 0
        while fired < limits.timersPerTick, let slot = wheel.popDue(now: now) {
            timerFired(slot)
            fired += 1
        }
    }

    // MARK: - Connections

    /// The rules for a route's limits, shared by its connections.
    func rules(for limits: ConnectionLimits) -> ConnectionRules { rules.rules(role: .server, limits: limits) }

    /// Writes to so many of those that were touched; when it was all of them, the arena begins anew.
    ///
    /// It calls no session: what these do must not write in the middle of it.
    func write(atMost count: Int) {
        assert(!isWriting, "the loop writes while it writes")
        isWriting = true
        var left = count
        while left > 0, let next = tickOutput.pointee.popTouched(left: left, of: count) {
            left &-= 1
            if let run = next.run {
                let count = run.pointee.count
                if count < limits.largeRunBytes {
                    // A long write takes the place of several.
                    left &-= count >> Self.writeShift
                } else if waitsForTurn(run, next.slot, next.flags) {
                    continue
                }
            }
            write(next.slot, next.flags, next.run)
        }
        isWriting = false
        guard tickOutput.pointee.resetIfDone() else { return }
        lastHeldRun = nil
        if !endsOfRuns.isEmpty {
            for backlog in endsOfRuns { backlog.letGoOfRun() }
            endsOfRuns = []
            backlogsHaveChanged = true
        }
        if !compressedForms.isEmpty { compressedForms.removeAll(keepingCapacity: true) }
    }

    /// Ends a connection when the sessions have done what they are doing. Until then it is sent nothing.
    func condemn(_ slot: SlotHandle) {
        guard !slot.pointee.flags.contains(.isCondemned) else { return }
        slot.pointee.flags.insert(.isCondemned)
        condemned.append(slot)
        guard !PlantedLoopBug.isOn(.sendToCondemned) else { return }
        if !PlantedLoopBug.isOn(.keepOutputOfCondemned) { slot.pointee.output = nil }
        // The short ways of sending look at nothing else, and leave one that has extras to those that do.
        _ = extras(of: slot)
    }

    /// Tells a connection's session that its peer keeps up again, or that its end has begun, when the sessions have done
    /// what they are doing and the loop has written.
    func tellLater(_ slot: SlotHandle) {
        guard !slot.pointee.flags.contains(.isToBeTold) else { return }
        slot.pointee.flags.insert(.isToBeTold)
        toBeTold.append(slot)
    }

    private func tellSessions() {
        var batch: [SlotHandle] = []
        swap(&batch, &toBeTold)
        for slot in batch {
            slot.pointee.flags.remove(.isToBeTold)
            if slot.pointee.flags.contains(.hasEnded) {
                releaseUnlessListed(slot)
            } else if !slot.pointee.flags.contains(.isCondemned) {
                if !slot.pointee.machine.maySend {  // as close(_:_:) does
                    setReading(true, slot)
                    resumeReading(slot)
                }
                tellWritable(slot)
            }
        }
    }

    private func endCondemned() {
        var batch: [SlotHandle] = []
        swap(&batch, &condemned)
        for slot in batch { end(slot) }
        guard condemned.isEmpty, batch.capacity <= 1024 else { return }
        batch.removeAll(keepingCapacity: true)
        condemned = batch
    }

    /// What the loop has done so far; on its thread.
    func currentStatistics(resetting isReset: Bool) -> ReactorStatistics {
        statistics.connections = slab.count
        statistics.wakeUps = inbox.wakeUpCount
        let current = statistics
        if isReset {
            statistics.largestRead = 0
            statistics.mostEvents = 0
            statistics.mostReleases = 0
            statistics.mostLargeBytes = 0
            statistics.mostLargeBytesSent = 0
            statistics.longestTickMicroseconds = 0
        }
        return current
    }

    func forEachConnection(_ body: (SlotHandle) -> Void) {
        slab.forEachInUse(body)
    }
}
#endif
