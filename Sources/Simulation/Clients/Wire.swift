import WebSocketCore

/// One connection's bytes in both directions, as the network treats them: they come in pieces, late, and end anywhere.
final class Wire {
    /// From here on in the stream, messages of a channel may come, or none may any more.
    struct Mark {
        let offset: Int
        let channel: [UInt8]
        let isOpen: Bool
        /// Which of the client's subscriptions to the channel this is; `nil` for the one before.
        let generation: Int?
    }

    let scheduler: Scheduler
    let number: Int
    private var random: SeededRandom
    /// Microseconds one way.
    private let latency: Int

    /// What the server has queued and the client has not read.
    private var down: [UInt8] = []
    private var downStart = 0
    /// Bytes that the server has ever queued, and those that the client has read.
    private(set) var queuedBytes = 0
    private(set) var readBytes = 0
    private var isReadScheduled = false
    /// A client that does not read for a while.
    var isStalled = false {
        didSet { if !isStalled { scheduleRead() } }
    }
    /// The client has gone: nothing of what was queued arrives any more.
    private(set) var isCut = false
    /// The server queues nothing any more; the client sees the end after what was queued.
    private(set) var hasEnded = false
    var marks: [Mark] = []
    private var lastUpward: UInt64 = 0
    /// Told of bytes and of the end.
    weak var client: SimulatedClient?
    weak var connection: SimulatedConnection?

    init(scheduler: Scheduler, number: Int, latency: Int, random: SeededRandom) {
        self.scheduler = scheduler
        self.number = number
        self.latency = latency
        self.random = random
    }

    var pendingBytes: Int { queuedBytes - readBytes }

    private func delay() -> UInt64 { UInt64(latency / 2 + random.below(latency)) }

    // MARK: From the server

    func queue(_ bytes: [UInt8]) {
        guard !hasEnded else { return }
        queuedBytes += bytes.count
        guard !isCut else { return }
        down.append(contentsOf: bytes)
        scheduleRead()
    }

    /// The server's side is closed.
    ///
    /// - Parameter dropping: whether what was queued is lost, all but a part.
    func end(dropping: Bool) {
        guard !hasEnded else { return }
        hasEnded = true
        if dropping {
            let rest = down.count - downStart
            down.removeLast(rest - random.below(rest + 1))
        }
        isStalled = false
    }

    /// The client is gone; the server learns of it later, or by its own means.
    func cut() {
        isCut = true
        down = []
        downStart = 0
        client = nil
    }

    private func scheduleRead() {
        guard !isReadScheduled, !isStalled, !isCut else { return }
        isReadScheduled = true
        scheduler.schedule(.toClient, number, after: delay()) { [self] in read() }
    }

    private func read() {
        isReadScheduled = false
        guard !isStalled, !isCut, let client else { return }
        let waiting = down.count - downStart
        if waiting > 0 {
            // Mostly all that is there, sometimes to any byte.
            let count = random.chance(300) ? 1 + random.below(waiting) : waiting
            let piece = down[downStart..<downStart + count]
            readBytes += count
            client.received(piece, from: self)
            // The client may have gone by what it has read.
            guard !isCut else { return }
            downStart += count
            if downStart == down.count {
                down.removeAll(keepingCapacity: down.capacity <= 65_536)
                downStart = 0
            }
            connection?.clientHasRead(count)
        }
        if down.count > downStart {
            scheduleRead()
        } else if hasEnded {
            isCut = true
            client.wireEnded(self)
        }
    }

    // MARK: From the client

    /// Sends bytes to the server, in one piece or two, and in order.
    func send(_ bytes: [UInt8]) {
        let split = random.chance(100) ? random.below(bytes.count + 1) : bytes.count
        for piece in [bytes[..<split], bytes[split...]] where !piece.isEmpty { sendPiece(Array(piece)) }
    }

    private func sendPiece(_ bytes: [UInt8]) {
        guard let connection else { return }
        lastUpward = max(scheduler.now + delay(), lastUpward + 1)
        scheduler.schedule(.toServer, number, at: lastUpward, on: connection.host.process) {
            connection.received(bytes)
        }
    }

    /// What the server sees of the client's end comes after what the client has sent.
    func closeUpward(after delay: UInt64) {
        guard let connection else { return }
        lastUpward = max(scheduler.now + delay, lastUpward + 1)
        scheduler.schedule(.toServer, number, at: lastUpward, on: connection.host.process) { connection.peerIsGone() }
    }
}

@available(*, unavailable)
extension Wire: Sendable {}
