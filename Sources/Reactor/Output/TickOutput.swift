#if os(Linux)
import Glibc
import WebSocketCore

/// What a loop's connections are to be sent at the end of the tick, and which of them: one memory for all, used again in
/// the next tick, so that nothing is allocated in the steady state.
///
/// Every slot that has output is on the list of those that are written to; so when that is empty, nobody names a run, and
/// everything begins again. A plain value behind a pointer that every slot has, so that what each delivery does counts no
/// references. Confined to its loop's thread.
struct TickOutput {
    let loop: Unmanaged<ReactorLoop>
    private let maximumBytes: Int
    private let keptFrames: Int
    /// Connections that were queued something with few others; while something is queued for many, the two are exchanged.
    private var touched = TouchedList()
    /// Those that were queued something with many others.
    private var touchedWithMany = TouchedList()
    private var isQueuingForMany = false
    /// Whether a connection may be on the second list: most ticks write to one list alone.
    private var hasMany = false
    private var arena: ByteArena
    private var runs: RunStore
    /// Keeps the frames alive that the runs name.
    private var frames: [SharedFrame] = []
    /// The connection that is being read.
    var reader: SlotHandle?
    /// The answer to it that lies in what was read.
    private var answer = UnsafeRawBufferPointer(start: nil, count: 0)
    private var answerKind = MessageKind.binary
    /// The run that was last begun by a shared frame: what a connection is looked for that nothing else was queued to.
    private(set) var lastRoot: RunHandle?

    init(loop: ReactorLoop, limits: LoopLimits) {
        self.loop = Unmanaged.passUnretained(loop)
        maximumBytes = limits.arenaBytes
        keptFrames = limits.keptFrames
        arena = ByteArena(
            capacity: limits.firstArenaBytes, keptCapacity: limits.keptArenaBytes, mostKept: limits.arenaBytes)
        runs = RunStore(capacity: limits.runs, kept: limits.keptRuns)
    }

    func deallocate() {
        touched.deallocate()
        touchedWithMany.deallocate()
        arena.deallocate()
        runs.deallocate()
    }

    /// Bytes and runs that are collected.
    var usage: (bytes: Int, runs: Int) { (arena.used, runs.count) }

    // MARK: - Who is written to

    /// Notes that a connection has something to write.
    @inline(__always)
    mutating func touch(_ slot: SlotHandle) {
        if !touched.addCheaply(slot) { touched.addWithRoom(slot) }
    }

    /// As ``touch(_:)``; `false` when the list has to grow first.
    @inline(__always)
    mutating func touchCheaply(_ slot: SlotHandle) -> Bool { touched.addCheaply(slot) }

    /// What is queued from now on goes to many connections, or to few again; see ``WebSocketLoop/queuesForMany(_:)``.
    mutating func queuesForMany(_ isOn: Bool) {
        guard isOn != isQueuingForMany else { return }
        isQueuingForMany = isOn
        swap(&touched, &touchedWithMany)
        hasMany = !touchedWithMany.isEmpty
    }

    /// The next connection to write to, which is touched no more, its flags, and what it is sent, which it has no more;
    /// `nil` when all have been.
    ///
    /// - Parameters:
    ///   - left: connections that the loop may still write to in this tick; in the second half of `count`, those on the
    ///     list of the many come first.
    ///   - count: connections that the loop writes to in one tick at most.
    @inline(__always)
    mutating func popTouched(left: Int, of count: Int) -> (slot: SlotHandle, flags: Slot.Flags, run: RunHandle?)? {
        hasMany ? popOfBoth(prefersMany: left <= count / 2) : touched.pop()
    }

    @inline(never)
    private mutating func popOfBoth(prefersMany: Bool) -> (slot: SlotHandle, flags: Slot.Flags, run: RunHandle?)? {
        if !prefersMany, let next = touched.pop() { return next }
        if let next = touchedWithMany.pop() { return next }
        hasMany = false
        return touched.pop()
    }

    var isEmpty: Bool { touched.isEmpty && !hasMany }

    /// Forgets everything, when all of it was written.
    mutating func resetIfDone() -> Bool {
        guard isEmpty else { return false }
        arena.reset()
        runs.reset()
        if !PlantedLoopBug.isOn(.keepLastRoot) { lastRoot = nil }
        if frames.capacity > keptFrames { frames = [] } else { frames.removeAll(keepingCapacity: true) }
        return true
    }

    // MARK: - What is written

    /// Whether so many bytes more, in one run more, are to be collected; anything may be when nothing is here yet.
    @inline(__always)
    func hasRoom(for bytes: Int) -> Bool {
        if PlantedLoopBug.isOn(.endlessArena) { return runs.hasRoom }
        return (arena.used &+ bytes <= maximumBytes || arena.used == 0) && runs.hasRoom
    }

    /// The bytes of a run in the arena or of a lone frame, as long as `body` runs, which appends nothing.
    @inline(__always)
    func withStoredBytes<Result>(of run: RunHandle, _ body: (UnsafeRawPointer, Int) -> Result) -> Result {
        if run.pointee.start >= 0 {
            return arena.withBytes(at: run.pointee.start, count: run.pointee.count, body)
        }
        guard let frame = run.pointee.frame else { return arena.withBytes(at: 0, count: 0, body) }
        return Unmanaged<SharedFrame>.fromOpaque(frame)._withUnsafeGuaranteedRef { frame in
            frame.bytes.withUnsafeBytes { bytes in
                bytes.baseAddress.map { body($0, bytes.count) } ?? arena.withBytes(at: 0, count: 0, body)
            }
        }
    }

    /// The bytes of any run, as long as `body` runs, which appends nothing. Every write would be dearer by 16
    /// instructions, had it to look for answers as well.
    func withBytes<Result>(of run: RunHandle, _ body: (UnsafeRawPointer, Int) -> Result) -> Result {
        run.pointee.isAnswer ? withAnswer(body) : withStoredBytes(of: run, body)
    }

    /// The run of a connection that has `run` so far, if any, and is queued `frame`; `nil` when there is no room.
    ///
    /// `run` stays what it was, unless it is the connection's own.
    mutating func run(_ run: RunHandle?, and frame: SharedFrame) -> RunHandle? {
        let next = run.map { $0.pointee.next } ?? lastRoot
        if let next, next.pointee.ends(with: frame) { return next }
        return run.map { extend($0, by: frame) } ?? makeRoot(frame)
    }

    private mutating func makeRoot(_ frame: SharedFrame) -> RunHandle? {
        guard hasRoom(for: 0) else { return nil }
        frames.append(frame)
        let run = runs.add(
            OutputRun(
                start: OutputRun.elsewhere, count: frame.bytes.count,
                frame: UnsafeRawPointer(Unmanaged.passUnretained(frame).toOpaque()), next: nil))
        lastRoot = run
        return run
    }

    private mutating func extend(_ run: RunHandle, by frame: SharedFrame) -> RunHandle? {
        guard hasRoom(for: run.pointee.count &+ frame.bytes.count) else { return nil }
        if run.pointee.isOwn || PlantedLoopBug.isOn(.extendForAll) && run.pointee.start >= 0 {
            moveToEnd(own: run)
            frame.bytes.withUnsafeBytes { arena.append($0) }
            run.pointee.count &+= frame.bytes.count
            return run
        }
        frames.append(frame)
        let start = moveToEnd(run)
        frame.bytes.withUnsafeBytes { arena.append($0) }
        let next = runs.add(
            OutputRun(
                start: start, count: run.pointee.count &+ frame.bytes.count,
                frame: UnsafeRawPointer(Unmanaged.passUnretained(frame).toOpaque()), next: nil))
        run.pointee.next = next
        return next
    }

    /// Appends what `write` fills of `count` bytes to a connection's own run, which is made if it has none, when the end
    /// of that is the end of the arena and they fit without more ado: the usual case for one that is being read. `false`
    /// when it is not, and nothing has happened.
    ///
    /// On the pointer: as a method it would carry the end of the arena across the copying, which costs every answer four
    /// instructions.
    @inline(__always)
    static func appendInPlace(
        atMost count: Int, to slot: SlotHandle, _ tick: UnsafeMutablePointer<TickOutput>,
        _ write: (UnsafeMutableRawPointer) -> Int
    ) -> Bool {
        guard tick.pointee.arena.fits(count) else { return false }
        let own: RunHandle
        if let run = slot.pointee.output {
            guard run.pointee.isOwn, run.pointee.end == tick.pointee.arena.used else { return false }
            own = run
        } else {
            guard tick.pointee.runs.hasRoom, tick.pointee.touchCheaply(slot) else { return false }
            own = tick.pointee.runs.add(OutputRun(start: tick.pointee.arena.used, count: 0, frame: nil, next: nil))
            slot.pointee.output = own
        }
        let written = tick.pointee.arena.fill(atMost: count, write)
        tick.pointee.arena.take(written, of: count)
        own.pointee.count &+= written
        return true
    }

    /// Appends what `write` fills of `count` bytes to the connection's own run, which is made if it has none, and notes
    /// that it has something to write.
    ///
    /// Only when there is room, see ``hasRoom(for:)``, for those bytes and the run's.
    @inline(__always)
    mutating func append(atMost count: Int, to slot: SlotHandle, _ write: (UnsafeMutableRawPointer) -> Int) {
        let own = ownRun(slot.pointee.output)
        moveToEnd(own: own)
        own.pointee.count &+= arena.append(atMost: count, write)
        slot.pointee.output = own
        touch(slot)
    }

    /// Whether more bytes for its connection follow the run where it is.
    func growsInPlace(_ run: RunHandle) -> Bool { run.pointee.isOwn && run.pointee.end == arena.used }

    /// Gives the end of the arena back that a connection's own run has had, when its bytes have left and nobody names it
    /// any more.
    mutating func rewind(_ run: RunHandle) {
        guard run.pointee.isOwn, run.pointee.end == arena.used else { return }
        let common = PlantedLoopBug.isOn(.rewindShared) ? 0 : run.pointee.common
        arena.rewind(to: run.pointee.start &+ common)
    }

    @inline(__always)
    private mutating func ownRun(_ run: RunHandle?) -> RunHandle {
        guard let run else { return runs.add(OutputRun(start: arena.used, count: 0, frame: nil, next: nil)) }
        if run.pointee.isOwn { return run }
        let isAtEnd = run.pointee.end == arena.used
        let start = moveToEnd(run)
        let count = run.pointee.count
        return runs.add(OutputRun(start: start, count: count, frame: nil, next: nil, common: isAtEnd ? count : 0))
    }

    @inline(__always)
    private mutating func moveToEnd(own run: RunHandle) {
        guard run.pointee.end != arena.used else { return }
        run.pointee.start = moveToEnd(run)
        run.pointee.common = 0
    }

    /// Sees to it that the run's bytes are the last of the arena; where they begin then.
    private mutating func moveToEnd(_ run: RunHandle) -> Int {
        if run.pointee.end == arena.used { return run.pointee.start }
        let start = arena.used
        if run.pointee.start >= 0 {
            let from = PlantedLoopBug.isOn(.moveWithoutBytes) ? 0 : run.pointee.start
            arena.appendCopy(at: from, count: run.pointee.count)
        } else if let frame = run.pointee.frame {
            Unmanaged<SharedFrame>.fromOpaque(frame).takeUnretainedValue().bytes.withUnsafeBytes { arena.append($0) }
        } else {
            Self.withFrame(answerKind, answer) { arena.append($0) }
        }
        return start
    }
}

// MARK: - An answer that lies in what was read

extension TickOutput {
    /// A header with the length in 16 bits (RFC 6455 §5.2).
    private static let answerHeaderBytes = 4

    /// Queues a long answer to the connection that is being read without copying it, when the answer is a part of what
    /// was read and nothing else is queued; `false` when it has to be copied.
    ///
    /// The loop writes long answers before it reads again.
    mutating func answer(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, to slot: SlotHandle, in input: UnsafeRawBufferPointer
    ) -> Bool {
        guard slot == reader, slot.pointee.flags.contains(.isProcessing), slot.pointee.output == nil,
            let base = payload.baseAddress, let start = input.baseAddress, payload.count <= 0xFFFF,
            base - Self.answerHeaderBytes >= start, base + payload.count <= start + input.count, runs.hasRoom
        else { return false }
        answer = payload
        answerKind = kind
        slot.pointee.flags.insert(.answersInPlace)
        slot.pointee.output = runs.add(
            OutputRun(
                start: OutputRun.elsewhere, count: Self.answerHeaderBytes &+ payload.count, frame: nil, next: nil))
        touch(slot)
        return true
    }

    private func withAnswer<Result>(_ body: (UnsafeRawPointer, Int) -> Result) -> Result {
        Self.withFrame(answerKind, answer) { frame in frame.baseAddress.map { body($0, frame.count) } }
            ?? arena.withBytes(at: 0, count: 0, body)
    }

    /// The answer as a frame. The header stands before the payload as long as `body` runs: what is there is a part of
    /// what was read, and a session may look at that again.
    private static func withFrame<Result>(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        guard let base = payload.baseAddress else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let frame = UnsafeMutableRawPointer(mutating: base) - answerHeaderBytes
        let before = frame.loadUnaligned(as: UInt32.self)
        defer { frame.storeBytes(of: before, as: UInt32.self) }
        let space = UnsafeMutableRawBufferPointer(start: frame, count: answerHeaderBytes &+ payload.count)
        let header = FrameHeader(opcode: kind.opcode, payloadLength: payload.count).write(to: space)
        return body(UnsafeRawBufferPointer(start: frame, count: header &+ payload.count))
    }
}

@available(*, unavailable)
extension TickOutput: Sendable {}
#endif
