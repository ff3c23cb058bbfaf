/// One open WebSocket connection without its I/O: bytes and time in, messages and actions out (RFC 6455 §5–§7).
///
/// Both carriers, both roles and all tests drive this same machine. It belongs to one loop's thread, like everything
/// else of its connection. Its parts are ``MessageReader`` (what arrives), ``ClosingHandshake`` (how it ends),
/// ``KeepAlive`` (whether the peer is there) and two ``TokenBucket``s (how much the peer may ask).
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

    private var reader: MessageReader
    private var closing: ClosingHandshake
    private var keepAlive: KeepAlive
    private var controlFrames: TokenBucket?
    private var messages: TokenBucket?
    private var messagesDropped: UInt32 = 0
    private let messageBurst: UInt32
    private let assemblyTimeout: UInt64
    private var assembly: Assembly?

    /// A connection whose opening handshake has just been completed.
    ///
    /// - Parameters:
    ///   - role: which side this is.
    ///   - limits: what the peer may ask.
    ///   - decompressor: what permessage-deflate decodes with, when it was negotiated (RFC 7692).
    public init(
        role: Role, limits: ConnectionLimits, decompressor: (any MessageDecompressor)? = nil, now: MonotonicInstant
    ) {
        reader = MessageReader(role: role, limits: limits, decompressor: decompressor)
        closing = ClosingHandshake(
            role: role, closeTimeout: limits.closeTimeout, lingerTimeout: limits.lingerTimeout)
        keepAlive = KeepAlive(pingInterval: limits.pingInterval, pongTimeout: limits.pongTimeout, now: now)
        controlFrames = limits.controlFramesPerSecond.map {
            TokenBucket(perSecond: $0, burst: Self.burst($0), now: now)
        }
        let burst = limits.messagesPerSecond.map(Self.burst) ?? 0
        messages = limits.messagesPerSecond.map { TokenBucket(perSecond: $0, burst: burst, now: now) }
        messageBurst = burst
        assemblyTimeout = limits.assemblyTimeout
    }

    /// Whether messages may be sent.
    public var maySend: Bool { closing.maySend }

    /// Whether what arrives is still read.
    public var mayReceive: Bool { closing.mayReceive }

    /// How the connection ended; meaningful after the transport has.
    public var result: CloseOutcome { closing.result }

    /// How many bytes of an unfinished message are held.
    public var assembledBytes: Int { reader.assembledBytes }

    /// Bytes have arrived, of whatever kind: the peer is there.
    public mutating func receivedBytes(now: MonotonicInstant) { keepAlive.received(now: now) }

    /// This side takes nothing at the moment: a message that stands still is not the peer's doing.
    public mutating func readingIsPaused(now: MonotonicInstant) {
        guard let bytes = assembly?.bytes else { return }
        assembly = Assembly(start: now, progress: now, bytes: bytes)
    }

    /// Finds the next event at or after `position` and says what to do about it.
    ///
    /// Call it until it answers ``ConnectionEvent/needsInput``; keep what was not consumed, and show it again with the
    /// bytes that follow. After the end of the closing handshake everything is consumed and dropped.
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
        guard closing.mayReceive, let base = input.baseAddress else {
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
            // The usual frame goes a short way: large enums cost more to hand on than a small message to read.
            do throws(ProtocolViolation) {
                if let message = try reader.nextWholeMessage(base, count: count, position: &position, output: output) {
                    switch admitMessage(now: now) {
                    case .yes: return .message(message.kind, message.range)
                    case .drop: continue
                    case .tell: return .messageRateExceeded
                    case .end: return .closing(closing.failed(.tooManyMessages, now: now))
                    }
                }
            } catch {
                return .closing(closing.failed(error, now: now))
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
        } catch {
            return .closing(closing.failed(error, now: now))
        }
        switch event {
        case .needsInput:
            return inputEnds(now: now)
        case .message(let kind, let range):
            return admit(.message(kind, range), now: now)
        case .assembledMessage(let kind, let bytes):
            return admit(.assembledMessage(kind, bytes), now: now)
        case .ping(let range):
            guard admitControlFrame(now: now) else {
                return .closing(closing.failed(.tooManyControlFrames, now: now))
            }
            return closing.maySend ? .sendPong(range) : nil
        case .pong:
            guard admitControlFrame(now: now) else {
                return .closing(closing.failed(.tooManyControlFrames, now: now))
            }
            return nil
        case .close(let frame):
            return .closing(closing.received(frame, now: now))
        }
    }

    /// Nothing whole is left; a message that is under way has begun at the latest now.
    private mutating func inputEnds(now: MonotonicInstant) -> ConnectionEvent {
        if !reader.isInsideMessage {
            assembly = nil
        } else if assembly == nil {
            assembly = Assembly(start: now, progress: now, bytes: reader.assembledBytes)
        } else if let bytes = assembly?.bytes, bytes != reader.assembledBytes {
            assembly?.bytes = reader.assembledBytes
            assembly?.progress = now
        }
        return .needsInput
    }

    /// The application closes with this frame.
    public mutating func close(_ frame: CloseFrame, now: MonotonicInstant) -> ClosingHandshake.Action {
        closing.close(frame, now: now)
    }

    /// The transport has ended, by whatever cause.
    public mutating func transportEnded() -> ClosingHandshake.Action { closing.transportEnded() }

    /// Time has passed; call it at ``nextDeadline`` or somewhat later.
    public mutating func tick(now: MonotonicInstant) -> TickAction {
        switch closing.tick(now: now) {
        case .none: break
        case let action: return .closing(action)
        }
        guard closing.maySend else { return .none }
        if let assemblyDeadline, assemblyDeadline <= now {
            return .closing(closing.failed(.assemblyTimeout, now: now))
        }
        switch keepAlive.tick(now: now) {
        case .none: return .none
        case .sendPing: return .sendPing
        case .giveUp: return .closing(closing.transportEnded())
        }
    }

    /// When ``tick(now:)`` can change something; the end of time when it never can again.
    public var nextDeadline: MonotonicInstant {
        if let deadline = closing.nextDeadline { return deadline }
        guard closing.maySend else { return MonotonicInstant(milliseconds: .max) }
        guard let assemblyDeadline else { return keepAlive.nextDeadline }
        return min(assemblyDeadline, keepAlive.nextDeadline)
    }

    /// A message under way: when it began, when it last grew, and how much of it is here.
    private struct Assembly {
        var start: MonotonicInstant
        var progress: MonotonicInstant
        var bytes: Int
    }

    /// A message may not stand still for longer than the timeout, nor take longer in all than the timeout and a second
    /// for each KiB: a slow line may take its time, a sender that only pretends may not.
    private var assemblyDeadline: MonotonicInstant? {
        guard let assembly else { return nil }
        return min(
            assembly.progress.advanced(by: assemblyTimeout),
            assembly.start.advanced(by: assemblyTimeout).advanced(by: UInt64(assembly.bytes)))
    }

    /// Two seconds' worth; as many as a bucket can hold instead of an overflow.
    private static func burst(_ perSecond: UInt32) -> UInt32 { UInt32(clamping: UInt64(perSecond) * 2) }

    private enum Admission {
        case yes, drop, tell, end
    }

    private mutating func admitMessage(now: MonotonicInstant) -> Admission {
        assembly = nil
        // We have closed: what still comes is of no use.
        guard closing.maySend else { return .drop }
        guard messages != nil else { return .yes }
        if messages?.take(now: now) != false {
            if messagesDropped > 0, messages?.wasFull == true { messagesDropped = 0 }
            return .yes
        }
        messagesDropped &+= 1
        if messagesDropped == 1 { return .tell }
        return messagesDropped > messageBurst ? .end : .drop
    }

    private mutating func admit(_ message: ConnectionEvent, now: MonotonicInstant) -> ConnectionEvent? {
        switch admitMessage(now: now) {
        case .yes: return message
        case .drop: return nil
        case .tell: return .messageRateExceeded
        case .end: return .closing(closing.failed(.tooManyMessages, now: now))
        }
    }

    private mutating func admitControlFrame(now: MonotonicInstant) -> Bool {
        controlFrames?.take(now: now) ?? true
    }
}
