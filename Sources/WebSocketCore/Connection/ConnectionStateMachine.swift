/// One open WebSocket connection without its I/O: bytes and time in, messages and actions out (RFC 6455 §5–§7).
///
/// Both carriers, both roles and all tests drive this same machine. It belongs to one loop's thread, like everything
/// else of its connection. Its parts are ``MessageReader`` (what arrives), ``ClosingHandshake`` (how it ends),
/// ``KeepAlive`` (whether the peer is there) and three ``TokenBucket``s (how much the peer may ask).
public struct ConnectionStateMachine {
    /// What is due when time has passed.
    public enum TickAction: Hashable, Sendable {
        /// Nothing.
        case none
        /// Send a ping without payload.
        case sendPing
        /// The closing handshake goes on.
        case closing(ClosingHandshake.Action)
    }

    @usableFromInline var reader: MessageReader
    private var keepAlive: KeepAlive
    private var controlFrames = TokenBucket()
    private var messages = TokenBucket()
    private var bytes = TokenBucket()
    /// The end, once it has begun.
    @usableFromInline var ending: Ending?

    /// A connection whose opening handshake has just been completed.
    ///
    /// - Parameters:
    ///   - rules: which side this is and what the peer may ask; shared by the connections that have the same.
    ///   - decompressor: what permessage-deflate decodes with, when it was negotiated (RFC 7692).
    public init(rules: ConnectionRules, decompressor: (any MessageDecompressor)? = nil, now: MonotonicInstant) {
        reader = MessageReader(rules: rules, decompressor: decompressor)
        keepAlive = KeepAlive(now: now, pingsWithoutData: rules.limits.pingsWithoutData)
    }

    /// A connection with rules of its own.
    public init(
        role: Role, limits: ConnectionLimits, decompressor: (any MessageDecompressor)? = nil, now: MonotonicInstant
    ) {
        self.init(rules: ConnectionRules(role: role, limits: limits), decompressor: decompressor, now: now)
    }

    private var rules: ConnectionRules { reader.rules }

    /// Whether messages may be sent.
    @inlinable public var maySend: Bool { ending == nil }

    /// What the peer may ask.
    public var limits: ConnectionLimits { rules.limits }

    /// Whether nothing is under way: no message, and no closing handshake.
    @inlinable public var isAtRest: Bool { ending == nil && !reader.isInsideMessage }

    /// Whether what arrives is still read.
    public var mayReceive: Bool { ending.map { $0.handshake.mayReceive } ?? true }

    /// The refusal that a close frame tells the peer, when that is what it does: this side closes first, neither for a
    /// normal end nor because of a slow reader.
    ///
    /// - Parameter frame: about to be sent.
    public func refusal(in frame: CloseFrame, peer: @autoclosure () -> String) -> Refusal? {
        // The peer's own close frame is answered after its handshake was noted as clean.
        guard let code = frame.code, code != .normal, !result.wasClean, frame != SlowReader.closeFrame(rules.limits)
        else { return nil }
        return Refusal(.close(code), reason: frame.reason, peer: peer())
    }

    /// How the connection ended; meaningful after the transport has.
    public var result: CloseOutcome { handshake.result }

    /// Memory of an unfinished message, in bytes.
    public var assembledBytes: Int { reader.assembledBytes }

    /// So many bytes have arrived, of whatever kind.
    public mutating func receivedBytes(_ count: Int, now: MonotonicInstant) {
        keepAlive.received(now: now)
        if let rate = rules.byteRate { bytes.charge(count, rate, now: now) }
    }

    /// Whether messages may be compressed.
    public var inflates: Bool { reader.inflates }

    /// Whether the next bytes may cause much work: they may be compressed, or complete a large message
    /// (``MessageReader/largeBytes``).
    public var isHeavy: Bool { reader.isHeavy }

    /// The bytes that count against the loop's limit for large messages. With compression, all bytes inflated since the
    /// last call; without, the bytes of a large message.
    ///
    /// - Parameter count: the bytes of a complete message; 0 if no message is complete.
    public func takeHeavyBytes(_ count: Int) -> Int {
        reader.inflates ? reader.takeInflatedBytes() : count >= MessageReader.largeBytes ? count : 0
    }

    /// Whether more bytes have arrived than the rate allows: the socket is to be held, see ``holdTime(now:)``.
    public func exceedsByteRate(now: MonotonicInstant) -> Bool {
        guard let rate = rules.byteRate, ending == nil else { return false }
        return !bytes.has(rate, now: now)
    }

    /// Milliseconds until the peer may send again what it has too much of.
    public func holdTime(now: MonotonicInstant) -> UInt64 {
        let forMessages = rules.messageRate.map { messages.wait($0, now: now) } ?? 0
        return max(forMessages, rules.byteRate.map { bytes.wait($0, now: now) } ?? 0)
    }

    /// The message that was just handed out does not count towards the rate.
    public mutating func forgiveMessage() {
        if let rate = rules.messageRate { messages.giveBack(rate) }
    }

    /// There is no later: what has arrived is handed out at once, a burst at a time.
    public mutating func forgiveRate() { messages = TokenBucket() }

    /// The peer has exceeded its rates for too long.
    public mutating func exceededRate(now: MonotonicInstant) -> ClosingHandshake.Action {
        failed(.rateExceeded, now: now)
    }

    /// Messages came by ``nextWholeMessage(_:count:position:now:)``, which leaves that to the driver: once a read is
    /// enough.
    public mutating func receivedWholeMessages(now: MonotonicInstant) { keepAlive.receivedData(now: now) }

    /// From now on the peer is alive by its messages only; pongs say nothing.
    public mutating func requireData() { keepAlive.requireData() }

    /// This side has not read the socket up to now: the silence was not the peer's.
    public mutating func socketWasNotRead(now: MonotonicInstant) {
        keepAlive.restart(now: now)
        readingIsPaused(now: now)
    }

    /// This side takes nothing at the moment: a message that stands still is not the peer's doing.
    public mutating func readingIsPaused(now: MonotonicInstant) {
        guard let bytes = reader.progress?.bytes else { return }
        reader.progress = MessageUnderWay.Progress(start: now, last: now, bytes: bytes)
    }

    /// A message that lies whole in the input.
    public struct WholeMessage {
        /// Whether it is text or binary.
        public let kind: MessageKind
        /// Where its payload begins in the input, unmasked.
        public let start: Int
        /// How many bytes that has.
        public let count: Int
    }

    /// Takes the message that begins at `position`, in place, when it is the usual one: whole, in one uncompressed frame,
    /// and nothing is to be said about it.
    ///
    /// For a carrier that reads into memory of its own. In everything else, right or wrong, it does nothing and answers
    /// `nil`: then ``next(_:position:output:now:)`` tells what it is. The next position is behind the payload.
    public mutating func nextWholeMessage(
        _ base: UnsafeMutableRawPointer, count: Int, position: Int, now: MonotonicInstant
    ) -> WholeMessage? {
        guard ending == nil, reader.underWay == nil,
            let frame = FrameParser.wholeFrame(rules, UnsafeRawPointer(base), count: count, position: position)
        else { return nil }
        if let rate = rules.messageRate {
            guard messages.take(rate, now: now) else { return nil }
        }
        let payload = base + frame.start
        Masking.apply(frame.key, from: payload, to: payload, count: frame.count)
        if frame.kind == .text, !Self.isText(payload, count: frame.count, key: frame.key) { return nil }
        return WholeMessage(kind: frame.kind, start: frame.start, count: frame.count)
    }

    /// Whether the payload is text; if not, it is masked again, as it was.
    @inline(never)
    private static func isText(_ payload: UnsafeMutableRawPointer, count: Int, key: UInt32) -> Bool {
        if UTF8Validator.isText(payload, count: count) { return true }
        Masking.apply(key, from: payload, to: payload, count: count)
        return false
    }

    /// Finds the next event at or after `position` and says what to do about it.
    ///
    /// Call it until it answers ``ConnectionEvent/needsInput`` or ``ConnectionEvent/held``; keep what was not consumed,
    /// and show it again with the bytes that follow. After the end of the closing handshake everything is consumed and dropped.
    ///
    /// - Parameters:
    ///   - input: the bytes read; only those from `position` on are looked at.
    ///   - position: moves past what was consumed.
    ///   - output: where unmasked payloads go, byte `i` of `input` to byte `i` of `output`: the same memory, or memory
    ///     of the same length that does not overlap.
    ///   - now: the present.
    public mutating func next(
        _ input: UnsafeRawBufferPointer, position: inout Int, output: UnsafeMutableRawPointer, now: MonotonicInstant
    ) -> ConnectionEvent {
        guard mayReceive, let base = input.baseAddress else {
            position = input.count
            return .needsInput
        }
        guard position < input.count else { return inputEnds(now: now) }
        return next(base, count: input.count, position: &position, output: output, now: now)
    }

    /// On its own, so that the last call of every read, the one that finds nothing more, costs next to nothing.
    @inline(never)
    private mutating func next(
        _ base: UnsafeRawPointer, count: Int, position: inout Int, output: UnsafeMutableRawPointer,
        now: MonotonicInstant
    ) -> ConnectionEvent {
        repeat {
            if isHeld(base, position: position, now: now) { return .held }
            // The usual frame goes a short way: large enums cost more to hand on than a small message to read.
            do throws(ProtocolViolation) {
                if let message = try reader.nextWholeMessage(base, count: count, position: &position, output: output) {
                    if admitMessage(now: now) { return .message(message.kind, message.range) }
                    continue
                }
            } catch {
                return .closing(failed(error, now: now))
            }
            let input = UnsafeRawBufferPointer(start: base, count: count)
            if let event = nextOfAnyKind(input, position: &position, output: output, now: now) { return event }
        } while position < count
        return inputEnds(now: now)
    }

    /// As ``next(_:position:output:now:)``, for whatever comes; `nil` when it was of no interest.
    @inline(never)
    private mutating func nextOfAnyKind(
        _ input: UnsafeRawBufferPointer, position: inout Int, output: UnsafeMutableRawPointer, now: MonotonicInstant
    ) -> ConnectionEvent? {
        let event: MessageEvent
        do throws(ProtocolViolation) {
            event = try reader.next(input, position: &position, output: output)
            if ending != nil { reader.dropAssembled() }
        } catch {
            return .closing(failed(error, now: now))
        }
        switch event {
        case .needsInput:
            return inputEnds(now: now)
        case .message(let kind, let range):
            return admitMessage(now: now) ? .message(kind, range) : nil
        case .assembledMessage(let kind, let message):
            // What inflates counts with what it becomes.
            if let rate = rules.byteRate, reader.inflates { bytes.charge(message.count, rate, now: now) }
            return admitMessage(now: now) ? .assembledMessage(kind, message) : nil
        case .ping(let range):
            guard admitControlFrame(now: now) else {
                return .closing(failed(.tooManyControlFrames, now: now))
            }
            return maySend ? .sendPong(range) : nil
        case .pong:
            guard admitControlFrame(now: now) else {
                return .closing(failed(.tooManyControlFrames, now: now))
            }
            return nil
        case .close(let frame):
            return .closing(change { $0.received(frame, now: now) })
        }
    }

    /// Nothing whole is left; a message that is under way has begun at the latest now.
    private mutating func inputEnds(now: MonotonicInstant) -> ConnectionEvent {
        guard reader.isInsideMessage else { return .needsInput }
        let bytes = reader.assembledCount
        if var progress = reader.progress {
            if bytes != progress.bytes {
                keepAlive.receivedData(now: now)
                progress.bytes = bytes
                progress.last = now
                reader.progress = progress
            }
        } else {
            reader.progress = MessageUnderWay.Progress(start: now, last: now, bytes: bytes)
        }
        return .needsInput
    }

    /// The application closes with this frame.
    public mutating func close(_ frame: CloseFrame, now: MonotonicInstant) -> ClosingHandshake.Action {
        change { $0.close(frame, now: now) }
    }

    /// The transport has ended, by whatever cause.
    public mutating func transportEnded() -> ClosingHandshake.Action { change { $0.transportEnded() } }

    /// Time has passed; call it at ``nextDeadline`` or somewhat later.
    public mutating func tick(now: MonotonicInstant) -> TickAction {
        if ending != nil {
            let action = change { $0.tick(now: now) }
            return action == .none ? .none : .closing(action)
        }
        if let assemblyDeadline, assemblyDeadline <= now {
            return .closing(failed(.assemblyTimeout, now: now))
        }
        switch keepAlive.tick(rules.limits, now: now) {
        case .none: return .none
        case .sendPing: return .sendPing
        case .giveUp:
            guard let code = rules.limits.pongTimeoutCode else { return .closing(transportEnded()) }
            let frame = CloseFrame(code: code, reason: "no sign of life")
            return .closing(change { $0.giveUp(frame, now: now) })
        }
    }

    /// When ``tick(now:)`` can change something; the end of time when it never can again.
    public var nextDeadline: MonotonicInstant {
        if let ending { return ending.handshake.nextDeadline ?? MonotonicInstant(milliseconds: .max) }
        let keepAliveDeadline = keepAlive.nextDeadline(rules.limits)
        return assemblyDeadline.map { min($0, keepAliveDeadline) } ?? keepAliveDeadline
    }

    /// A message may not stand still for longer than the timeout, nor take longer in all than the timeout and a second
    /// for each KiB: a slow line may take its time, a sender that only pretends may not.
    private var assemblyDeadline: MonotonicInstant? {
        guard let progress = reader.progress else { return nil }
        let timeout = rules.limits.assemblyTimeout
        return min(
            progress.last.advanced(by: timeout),
            progress.start.advanced(by: timeout).advanced(by: UInt64(progress.bytes)))
    }

    /// The closing handshake of one connection; there is none while it is open.
    @usableFromInline
    final class Ending {
        var handshake: ClosingHandshake

        init(_ handshake: ClosingHandshake) { self.handshake = handshake }
    }

    private var handshake: ClosingHandshake {
        ending?.handshake
            ?? ClosingHandshake(
                role: rules.role, closeTimeout: rules.limits.closeTimeout, lingerTimeout: rules.limits.lingerTimeout)
    }

    /// Lets the closing handshake go on, or begin.
    private mutating func change(_ step: (inout ClosingHandshake) -> ClosingHandshake.Action) -> ClosingHandshake.Action
    {
        var handshake = handshake
        let action = step(&handshake)
        if let ending {
            ending.handshake = handshake
        } else {
            ending = Ending(handshake)
            reader.dropAssembled()
        }
        return action
    }

    private mutating func failed(_ violation: ProtocolViolation, now: MonotonicInstant) -> ClosingHandshake.Action {
        change { $0.failed(violation, now: now) }
    }

    /// Whether the peer has to wait before its next message, which begins at `position`. Control frames are answered.
    @inline(__always)
    private func isHeld(_ base: UnsafeRawPointer, position: Int, now: MonotonicInstant) -> Bool {
        guard let rate = rules.messageRate, !messages.has(rate, now: now), ending == nil, reader.underWay == nil else {
            return false
        }
        return base.load(fromByteOffset: position, as: UInt8.self) & Opcode.controlBit == 0
    }

    /// Counts a message; `false` when we have closed, so that what still comes is of no use.
    @inline(__always)
    private mutating func admitMessage(now: MonotonicInstant) -> Bool {
        guard maySend else { return false }
        if let rate = rules.messageRate { messages.takeOne(rate, now: now) }
        keepAlive.receivedData(now: now)
        return true
    }

    private mutating func admitControlFrame(now: MonotonicInstant) -> Bool {
        guard let rate = rules.controlFrameRate else { return true }
        return controlFrames.take(rate, now: now)
    }
}

@available(*, unavailable)
extension ConnectionStateMachine: Sendable {}
