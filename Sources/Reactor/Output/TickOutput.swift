#if os(Linux)
import Glibc
import WebSocketCore

/// What a loop's connections are to be sent at the end of the tick, and which of them: one memory for all, used again in
/// the next tick, so that nothing is allocated in the steady state.
///
/// A plain value behind a pointer that every slot has, so that what each delivery does counts no references. Confined to
/// its loop's thread.
struct TickOutput {
    /// More than this is not collected: then the loop writes first.
    static let maximumBytes = 4 << 20
    /// What it keeps when it was larger once.
    private static let keptBytes = 256 << 10
    private static let maximumRuns = 1 << 16
    private static let keptFrames = 1024
    private static let keptRuns = 4096

    let loop: Unmanaged<ReactorLoop>
    /// Connections to write to at the end of the tick, from ``firstTouched`` on.
    private var touched: UnsafeMutablePointer<UnsafeMutablePointer<Slot>>
    private var touchedCapacity = 256
    private(set) var touchedCount = 0
    private var firstTouched = 0
    /// The arena: the bytes of all runs.
    private var memory: UnsafeMutableRawPointer
    private var capacity = 64 << 10
    private var used = 0
    private var runs: UnsafeMutablePointer<OutputRun>
    private var runCount = 0
    /// Keeps the frames alive that the runs name.
    private var frames: [SharedFrame] = []
    /// The connection that is being read.
    var reader: UnsafeMutablePointer<Slot>?
    /// The answer to it that lies in what was read.
    private var answer = UnsafeRawBufferPointer(start: nil, count: 0)
    private var answerKind = MessageKind.binary

    init(loop: ReactorLoop) {
        self.loop = Unmanaged.passUnretained(loop)
        touched = .allocate(capacity: touchedCapacity)
        memory = .allocate(byteCount: capacity, alignment: 64)
        // Address space: a page of it becomes memory when it is first used.
        runs = .allocate(capacity: Self.maximumRuns)
    }

    func deallocate() {
        touched.deallocate()
        memory.deallocate()
        runs.deallocate()
    }

    // MARK: - Who is written to

    /// Notes that a connection has something to write.
    @inline(__always)
    mutating func touch(_ slot: UnsafeMutablePointer<Slot>) {
        if !touchCheaply(slot) { touchWithRoom(slot) }
    }

    /// As ``touch(_:)``; `false` when the list has to grow first.
    @inline(__always)
    mutating func touchCheaply(_ slot: UnsafeMutablePointer<Slot>) -> Bool {
        if slot.pointee.flags.contains(.isTouched) { return true }
        guard touchedCount < touchedCapacity else { return false }
        slot.pointee.flags.insert(.isTouched)
        touched[touchedCount] = slot
        touchedCount &+= 1
        return true
    }

    @inline(never)
    private mutating func touchWithRoom(_ slot: UnsafeMutablePointer<Slot>) {
        let larger = UnsafeMutablePointer<UnsafeMutablePointer<Slot>>.allocate(capacity: touchedCapacity * 2)
        larger.moveInitialize(from: touched, count: touchedCount)
        touched.deallocate()
        touched = larger
        touchedCapacity *= 2
        _ = touchCheaply(slot)
    }

    /// The next connection to write to, which is touched no more, and its flags; `nil` when all have been.
    @inline(__always)
    mutating func popTouched() -> (slot: UnsafeMutablePointer<Slot>, flags: Slot.Flags)? {
        guard firstTouched < touchedCount else { return nil }
        let slot = touched[firstTouched]
        firstTouched &+= 1
        let flags = slot.pointee.flags.subtracting(.isTouched)
        slot.pointee.flags = flags
        return (slot, flags)
    }

    var isEmpty: Bool { touchedCount == 0 }

    /// Forgets everything, when all of it was written.
    mutating func resetIfDone() -> Bool {
        guard firstTouched == touchedCount else { return false }
        firstTouched = 0
        touchedCount = 0
        reset()
        return true
    }

    // MARK: - What is written

    /// Whether so many bytes more, in one run more, are to be collected; anything may be when nothing is here yet.
    @inline(__always)
    func hasRoom(for bytes: Int) -> Bool {
        (used &+ bytes <= Self.maximumBytes || used == 0) && runCount < Self.maximumRuns
    }

    /// The bytes of a run in the arena or of a lone frame; valid until something is appended.
    @inline(__always)
    func withStoredBytes<Result>(
        of run: UnsafeMutablePointer<OutputRun>, _ body: (UnsafeRawPointer, Int) -> Result
    ) -> Result {
        if run.pointee.start >= 0 { return body(UnsafeRawPointer(memory + run.pointee.start), run.pointee.count) }
        guard let frame = run.pointee.frame else { return body(UnsafeRawPointer(memory), 0) }
        return Unmanaged<SharedFrame>.fromOpaque(frame)._withUnsafeGuaranteedRef { frame in
            frame.bytes.withUnsafeBytes { bytes in
                bytes.baseAddress.map { body($0, bytes.count) } ?? body(UnsafeRawPointer(memory), 0)
            }
        }
    }

    /// The bytes of any run; valid until something is appended. Every write would be dearer by 16 instructions, had it to
    /// look for answers as well.
    func withBytes<Result>(
        of run: UnsafeMutablePointer<OutputRun>, _ body: (UnsafeRawPointer, Int) -> Result
    ) -> Result {
        run.pointee.isAnswer ? withAnswer(body) : withStoredBytes(of: run, body)
    }

    /// The run that was last begun by a shared frame: what a connection is looked for that nothing else was queued to.
    private(set) var lastRoot: UnsafeMutablePointer<OutputRun>?

    /// The run of a connection that has `run` so far, if any, and is queued `frame`; `nil` when there is no room.
    ///
    /// `run` stays what it was, unless it is the connection's own.
    mutating func run(
        _ run: UnsafeMutablePointer<OutputRun>?, and frame: SharedFrame
    ) -> UnsafeMutablePointer<OutputRun>? {
        let next = run.map { $0.pointee.next } ?? lastRoot
        if let next, next.pointee.ends(with: frame) { return next }
        return run.map { extend($0, by: frame) } ?? makeRoot(frame)
    }

    private mutating func makeRoot(_ frame: SharedFrame) -> UnsafeMutablePointer<OutputRun>? {
        guard hasRoom(for: 0) else { return nil }
        frames.append(frame)
        let run = newRun(
            OutputRun(
                start: OutputRun.elsewhere, count: frame.bytes.count,
                frame: UnsafeRawPointer(Unmanaged.passUnretained(frame).toOpaque()), next: nil))
        lastRoot = run
        return run
    }

    private mutating func extend(
        _ run: UnsafeMutablePointer<OutputRun>, by frame: SharedFrame
    ) -> UnsafeMutablePointer<OutputRun>? {
        guard hasRoom(for: run.pointee.count &+ frame.bytes.count) else { return nil }
        if run.pointee.isOwn {
            frame.bytes.withUnsafeBytes { append($0, to: run) }
            return run
        }
        frames.append(frame)
        let start = moveToEnd(run)
        frame.bytes.withUnsafeBytes { append($0) }
        let next = newRun(
            OutputRun(
                start: start, count: run.pointee.count &+ frame.bytes.count,
                frame: UnsafeRawPointer(Unmanaged.passUnretained(frame).toOpaque()),
                next: nil))
        run.pointee.next = next
        return next
    }

    /// Where a connection's own run goes on, or begins, when that is at the end of the arena and `count` bytes more fit:
    /// the usual case for one that is being read.
    @inline(__always)
    mutating func place(
        for count: Int, on slot: UnsafeMutablePointer<Slot>
    ) -> (run: UnsafeMutablePointer<OutputRun>, bytes: UnsafeMutableRawPointer)? {
        guard used &+ count <= capacity else { return nil }
        let bytes = memory + used
        if let run = slot.pointee.output {
            return run.pointee.isOwn && run.pointee.end == used ? (run, bytes) : nil
        }
        guard runCount < Self.maximumRuns, touchCheaply(slot) else { return nil }
        let run = newRun(OutputRun(start: used, count: 0, frame: nil, next: nil))
        slot.pointee.output = run
        return (run, bytes)
    }

    /// Enters what was written to ``place(for:on:)``.
    @inline(__always)
    mutating func grow(_ run: UnsafeMutablePointer<OutputRun>, by count: Int) {
        used &+= count
        run.pointee.count &+= count
    }

    /// Queues a long answer to the connection that is being read without copying it, when the answer is a part of what
    /// was read and nothing else is queued; `false` when it has to be copied.
    ///
    /// The loop writes long answers before it reads again.
    mutating func answer(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, to slot: UnsafeMutablePointer<Slot>,
        in input: UnsafeRawBufferPointer
    ) -> Bool {
        guard slot == reader, slot.pointee.flags.contains(.isProcessing), slot.pointee.output == nil,
            let base = payload.baseAddress, let start = input.baseAddress, payload.count <= 0xFFFF,
            base - Self.answerHeaderBytes >= start, base + payload.count <= start + input.count,
            runCount < Self.maximumRuns
        else { return false }
        answer = payload
        answerKind = kind
        slot.pointee.flags.insert(.answersInPlace)
        slot.pointee.output = newRun(
            OutputRun(
                start: OutputRun.elsewhere, count: Self.answerHeaderBytes &+ payload.count, frame: nil, next: nil))
        touch(slot)
        return true
    }

    /// A header with the length in 16 bits (RFC 6455 §5.2).
    private static let answerHeaderBytes = 4

    /// The answer as a frame. The header stands before the payload as long as `body` runs: what is there is a part of
    /// what was read, and a session may look at that again.
    private func withAnswer<Result>(_ body: (UnsafeRawPointer, Int) -> Result) -> Result {
        guard let payload = answer.baseAddress else { return body(UnsafeRawPointer(memory), 0) }
        let frame = UnsafeMutableRawPointer(mutating: payload) - Self.answerHeaderBytes
        let before = frame.loadUnaligned(as: UInt32.self)
        defer { frame.storeBytes(of: before, as: UInt32.self) }
        let header = FrameHeader(opcode: answerKind.opcode, payloadLength: answer.count)
        let space = UnsafeMutableRawBufferPointer(start: frame, count: Self.answerHeaderBytes &+ answer.count)
        return body(frame, header.write(to: space) &+ answer.count)
    }

    /// Gives the end of the arena back that a run has had, when its bytes have left.
    mutating func rewind(_ run: UnsafeMutablePointer<OutputRun>) {
        if run.pointee.isOwn, run.pointee.end == used { used = run.pointee.start }
    }

    /// Makes room for `count` bytes at the end of the connection's own run, which is made if it has none.
    ///
    /// Only when there is room, see ``hasRoom(for:)``, for those bytes and the run's.
    /// - Parameter write: fills the room and returns how much of it has been used.
    @inline(__always)
    mutating func append(
        atMost count: Int, to run: UnsafeMutablePointer<OutputRun>?, _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) -> UnsafeMutablePointer<OutputRun> {
        let own = ownRun(run)
        if own.pointee.end != used { own.pointee.start = moveToEnd(own) }
        reserve(count)
        let written = write(UnsafeMutableRawBufferPointer(start: memory + used, count: count))
        used &+= written
        own.pointee.count &+= written
        return own
    }

    private mutating func reset() {
        used = 0
        if runCount > Self.keptRuns {
            // Its pages have become memory: others are only address space again.
            runs.deallocate()
            runs = .allocate(capacity: Self.maximumRuns)
        }
        runCount = 0
        lastRoot = nil
        if frames.capacity > Self.keptFrames { frames = [] } else { frames.removeAll(keepingCapacity: true) }
        if capacity > Self.keptBytes {
            memory.deallocate()
            capacity = Self.keptBytes
            memory = .allocate(byteCount: capacity, alignment: 64)
        }
    }

    @inline(__always)
    private mutating func ownRun(_ run: UnsafeMutablePointer<OutputRun>?) -> UnsafeMutablePointer<OutputRun> {
        guard let run else { return newRun(OutputRun(start: used, count: 0, frame: nil, next: nil)) }
        if run.pointee.isOwn { return run }
        let start = moveToEnd(run)
        return newRun(OutputRun(start: start, count: run.pointee.count, frame: nil, next: nil))
    }

    /// Sees to it that the run's bytes are the last of the arena; where they begin then.
    private mutating func moveToEnd(_ run: UnsafeMutablePointer<OutputRun>) -> Int {
        let count = run.pointee.count
        if run.pointee.end == used { return run.pointee.start }
        reserve(count)
        let start = used
        withBytes(of: run) { bytes, count in (memory + start).copyMemory(from: bytes, byteCount: count) }
        used &+= count
        return start
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer, to run: UnsafeMutablePointer<OutputRun>) {
        if run.pointee.end != used { run.pointee.start = moveToEnd(run) }
        append(bytes)
        run.pointee.count &+= bytes.count
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (memory + used).copyMemory(from: source, byteCount: bytes.count)
        used &+= bytes.count
    }

    @inline(__always)
    private mutating func reserve(_ count: Int) {
        if used &+ count > capacity { grow(used &+ count) }
    }

    @inline(never)
    private mutating func grow(_ needed: Int) {
        while capacity < needed { capacity *= 2 }
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        larger.copyMemory(from: memory, byteCount: used)
        memory.deallocate()
        memory = larger
    }

    @inline(__always)
    private mutating func newRun(_ run: OutputRun) -> UnsafeMutablePointer<OutputRun> {
        let place = runs + runCount
        runCount &+= 1
        place.initialize(to: run)
        return place
    }
}

@available(*, unavailable)
extension TickOutput: Sendable {}
#endif
