import Channels
import PusherProtocol
import WebSocketCore

/// The server's end of a client's connection: the real session, on a carrier that is a ``Wire``.
final class SimulatedConnection: PusherConnection {
    /// Above so many waiting bytes a replay waits.
    static let writableBytes = 3_000

    /// What a reader may leave waiting.
    static let limits: ConnectionLimits = {
        var limits = ConnectionLimits()
        limits.maximumPendingBytes = 24_000
        limits.softPendingBytes = 12_000
        limits.softPendingTime = 3_000
        limits.maximumPendingAge = 5_000
        return limits
    }()
    private static let rules = ConnectionRules(role: .server, limits: limits)

    let host: SimulatedNode
    let wire: Wire
    /// What each message of the client's is about, in their order.
    var notes: [ClientNote] = []
    private var nextNote = 0
    private var reader = MessageReader(rules: SimulatedConnection.rules)
    private var inbox: [UInt8] = []
    private var pending = PendingOutput()
    private var wasFull = false
    private var isClosing = false
    private(set) var isClosed = false
    /// With what code this side has closed.
    private(set) var closeCode: UInt16?

    init(host: SimulatedNode, wire: Wire, runtime: PusherAppRuntime, protocolVersion: Int, shard: Shard) {
        self.host = host
        self.wire = wire
        super.init(runtime: runtime, node: host.pusher, protocolVersion: protocolVersion, shard: shard)
    }

    private var now: MonotonicInstant { host.now }

    override var isWritable: Bool { wire.pendingBytes < Self.writableBytes }

    override func deliver(_ frame: SharedFrame) {
        guard !isClosing else { return }
        wire.queue(frame.bytes)
        pending.queued(frame.bytes.count, Self.limits, now: now)
        if wire.pendingBytes >= Self.writableBytes { wasFull = true }
        checkPending()
    }

    override func close(code: UInt16, reason: String) {
        guard !isClosing else { return }
        closeCode = code
        let payload = CloseFrame(code: CloseCode(rawValue: code), reason: reason).payload
        var bytes: [UInt8] = []
        FrameHeader.append(opcode: .close, payloadLength: payload.count, to: &bytes)
        bytes.append(contentsOf: payload)
        wire.queue(bytes)
        end(dropping: false)
    }

    /// What waits breaks a rule perhaps: the carrier cuts such a reader off.
    private func checkPending() {
        guard !isClosing, pending.verdict(Self.limits, now: now) != nil else { return }
        closeCode = 4100
        end(dropping: true)
    }

    private func end(dropping: Bool) {
        host.scheduler.note("node \(host.process.index) closes connection \(wire.number) with \(closeCode ?? 0)")
        isClosing = true
        wire.end(dropping: dropping)
        // A carrier never calls back from inside a call of the session's.
        host.scheduler.schedule(.loopTurn, host.process.index, after: 50, on: host.process) { [self] in finish() }
    }

    private func finish() {
        guard !isClosed else { return }
        isClosed = true
        isClosing = true
        closed()
        host.forget(self)
    }

    // MARK: What the wire does

    /// The client has taken bytes.
    func clientHasRead(_ count: Int) {
        pending.sent(count, Self.limits, now: now)
        guard wasFull, !isClosing, isWritable else { return }
        wasFull = false
        host.scheduler.schedule(.loopTurn, host.process.index, after: 20, on: host.process) { [self] in
            if !isClosing { becameWritable() }
        }
    }

    /// The client has sent bytes.
    func received(_ bytes: [UInt8]) {
        guard !isClosing else { return }
        inbox.append(contentsOf: bytes)
        var position = 0
        loop: while !isClosing {
            let event = inbox.withUnsafeMutableBytes { buffer -> MessageEvent? in
                guard let base = buffer.baseAddress else { return .needsInput }
                return try? reader.next(UnsafeRawBufferPointer(buffer), position: &position, output: base)
            }
            switch event {
            case .message(_, let range): take(Array(inbox[range]))
            case .assembledMessage(_, let text): take(text)
            case .needsInput: break loop
            default:
                host.scheduler.report(.wire, "the server reads a frame that no client has sent")
                break loop
            }
        }
        inbox.removeFirst(position)
    }

    private func take(_ text: [UInt8]) {
        let note = notes.indices.contains(nextNote) ? notes[nextNote] : .other
        nextNote += 1
        if case .subscribes(let channel, let generation, let isForged) = note {
            wire.marks.append(
                Wire.Mark(offset: wire.queuedBytes, channel: channel, isOpen: !isForged, generation: generation))
        }
        received(.text, text.span.bytes)
        if case .unsubscribes(let channel) = note {
            wire.marks.append(
                Wire.Mark(offset: wire.queuedBytes, channel: channel, isOpen: false, generation: nil))
        }
    }

    /// The client is gone, as far as this side can tell.
    func peerIsGone() {
        wire.end(dropping: true)
        finish()
    }

    /// Once a second.
    func tick() {
        guard !isClosing else { return }
        checkPending()
        guard !isClosing else { return }
        tick(now: now)
    }

    /// The node is killed: nobody is told, memory is given back.
    func abandon() {
        isClosing = true
        wire.end(dropping: true)
        guard !isClosed else { return }
        isClosed = true
        closed()
    }

    /// Bytes that wait for the reader.
    var pendingBytes: Int { pending.bytes }
}
