import NIOCore
import WebSocketCompression
import WebSocketCore

/// What the connections of one event loop share: the place where payloads are unmasked, the list of connections to
/// flush at the end of the tick, the timer wheel, the codecs, and the clock.
///
/// Confined to its loop's thread.
final class LoopContext {
    let eventLoop: any EventLoop
    let compression: CompressionContext

    /// Connections that are not WebSockets yet.
    var visitors: [ObjectIdentifier: FrontDoorHandler] = [:]
    /// Connections that have something to write since the last flush.
    private var touched: [FrameHandler] = []
    private var flushIsScheduled = false
    private var wheel = TimerWheel()
    private var wheelTurns = false
    private var scratch: UnsafeMutableRawBufferPointer
    private var scratchIsInUse = false
    /// The frame that was last sent to several connections, in the forms that it has been sent in since the last flush.
    private var sharedFrame: SharedFrame?
    private var sharedBuffers: [(compressor: ObjectIdentifier?, buffer: ByteBuffer)] = []
    private var assemblingBytes = 0
    private let assemblyBudget: Int
    private let origin: NIODeadline
    /// What the connections are told since the server has begun to stop; nobody is taken in any more.
    private(set) var farewell: CloseFrame?

    /// - Parameter assemblyBudget: bytes that unfinished messages of this loop's connections may hold together.
    init(eventLoop: any EventLoop, compression: CompressionContext, assemblyBudget: Int) {
        self.eventLoop = eventLoop
        self.compression = compression
        self.assemblyBudget = assemblyBudget
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
        touched.append(handler)
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        eventLoop.assumeIsolated().execute { [self] in flushTouched() }
    }

    private func flushTouched() {
        flushIsScheduled = false
        var batch: [FrameHandler] = []
        swap(&batch, &touched)
        for handler in batch { handler.flush() }
        batch.removeAll(keepingCapacity: true)
        if touched.isEmpty { swap(&batch, &touched) }
        sharedFrame = nil
        sharedBuffers.removeAll(keepingCapacity: true)
    }

    /// The buffer for a frame that many connections are about to get: made once and shared by reference.
    ///
    /// - Parameter compressor: what it is compressed with; those of different windows do not share.
    func buffer(
        for frame: SharedFrame, compressor: (any MessageCompressor)?, make: () -> ByteBuffer
    ) -> ByteBuffer {
        let compressor = compressor.map { ObjectIdentifier($0) }
        if sharedFrame !== frame {
            sharedFrame = frame
            sharedBuffers.removeAll(keepingCapacity: true)
        }
        for form in sharedBuffers where form.compressor == compressor { return form.buffer }
        let buffer = make()
        sharedBuffers.append((compressor, buffer))
        return buffer
    }

    /// Counts what unfinished messages hold; `false` when it is more than the loop's share of the node's budget.
    func accountAssembly(_ change: Int) -> Bool {
        assemblingBytes += change
        return change <= 0 || assemblingBytes <= assemblyBudget
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

    /// Closes everybody, and from now on whoever still comes.
    func stop(_ frame: CloseFrame) {
        farewell = frame
        for visitor in Array(visitors.values) { visitor.close() }
        for connection in connections { connection.close(frame) }
    }
}

@available(*, unavailable)
extension LoopContext: Sendable {}
