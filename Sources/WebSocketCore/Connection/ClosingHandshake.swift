/// The closing handshake (RFC 6455 §7) as a state machine.
///
/// `open` → `closeSent` (ours is out, the peer's is awaited) → `ending` (nothing more is sent or read; the transport
/// ends) → `ended`, which is terminal. A second call of any input in a later state is legitimate and ignored.
public struct ClosingHandshake: Hashable, Sendable {
    /// What the driver does next.
    public enum Action: Hashable, Sendable {
        /// Nothing.
        case none
        /// Send this close frame and go on reading.
        case send(CloseFrame)
        /// Send this close frame, then end the transport as ``endTransport``.
        case sendAndEndTransport(CloseFrame)
        /// Nothing more to send: flush, end our side of the transport, drop what arrives.
        case endTransport
        /// Close the transport now.
        case abort
    }

    private enum State: Hashable {
        case open
        case closeSent(deadline: MonotonicInstant)
        case ending(deadline: MonotonicInstant)
        case ended
    }

    private let role: Role
    private let closeTimeout: UInt64
    private let lingerTimeout: UInt64
    private var state: State = .open
    private var outcome = CloseOutcome(code: .abnormalClosure, reason: "", wasClean: false)

    /// An open connection; times in milliseconds.
    public init(role: Role, closeTimeout: UInt64, lingerTimeout: UInt64) {
        self.role = role
        self.closeTimeout = closeTimeout
        self.lingerTimeout = lingerTimeout
    }

    /// Whether messages may still be sent (RFC 6455 §5.5.1: nothing after a close frame).
    public var maySend: Bool { state == .open }

    /// Whether what arrives is still read: until the closing handshake is over.
    public var mayReceive: Bool {
        switch state {
        case .open, .closeSent: return true
        case .ending, .ended: return false
        }
    }

    /// How the connection ended, so far.
    public var result: CloseOutcome { outcome }

    /// The application closes.
    public mutating func close(_ frame: CloseFrame, now: MonotonicInstant) -> Action {
        guard case .open = state else { return .none }
        outcome = CloseOutcome(code: frame.code ?? .noStatusReceived, reason: frame.reason, wasClean: false)
        state = .closeSent(deadline: now.advanced(by: closeTimeout))
        return .send(frame)
    }

    /// The peer's close frame has arrived.
    public mutating func received(_ frame: CloseFrame, now: MonotonicInstant) -> Action {
        switch state {
        case .open:
            outcome = CloseOutcome(code: frame.code ?? .noStatusReceived, reason: frame.reason, wasClean: true)
            state = .ending(deadline: endDeadline(now))
            // RFC 6455 §5.5.1: the answer typically echoes the code.
            return .sendAndEndTransport(CloseFrame(code: frame.code))
        case .closeSent:
            outcome = CloseOutcome(code: outcome.code, reason: outcome.reason, wasClean: true)
            state = .ending(deadline: endDeadline(now))
            return .endTransport
        case .ending, .ended:
            return .none
        }
    }

    /// The peer has broken a rule (RFC 6455 §7.1.7).
    public mutating func failed(_ violation: ProtocolViolation, now: MonotonicInstant) -> Action {
        switch state {
        case .open:
            outcome = CloseOutcome(code: violation.closeCode, reason: violation.description, wasClean: false)
            state = .ending(deadline: now.advanced(by: lingerTimeout))
            return .sendAndEndTransport(CloseFrame(code: violation.closeCode, reason: violation.description))
        case .closeSent:
            state = .ending(deadline: now.advanced(by: lingerTimeout))
            return .endTransport
        case .ending, .ended:
            return .none
        }
    }

    /// The peer has been silent for too long: it is told, should it be there after all, and not waited for.
    public mutating func giveUp(_ frame: CloseFrame, now: MonotonicInstant) -> Action {
        guard case .open = state else { return .none }
        outcome = CloseOutcome(code: frame.code ?? .noStatusReceived, reason: frame.reason, wasClean: false)
        state = .ending(deadline: now.advanced(by: lingerTimeout))
        return .sendAndEndTransport(frame)
    }

    /// The peer has ended its side of the transport; WebSocket has no half-open state.
    public mutating func transportEnded() -> Action {
        guard state != .ended else { return .none }
        state = .ended
        return .abort
    }

    /// Time has passed.
    public mutating func tick(now: MonotonicInstant) -> Action {
        switch state {
        case .closeSent(let deadline) where deadline <= now, .ending(let deadline) where deadline <= now:
            state = .ended
            return .abort
        default:
            return .none
        }
    }

    /// When the next call of ``tick(now:)`` can change something; `nil` while open and at the end.
    public var nextDeadline: MonotonicInstant? {
        switch state {
        case .closeSent(let deadline), .ending(let deadline): return deadline
        case .open, .ended: return nil
        }
    }

    /// RFC 6455 §7.1.1: the server ends the transport first; a client waits for that, up to the close timeout.
    private func endDeadline(_ now: MonotonicInstant) -> MonotonicInstant {
        now.advanced(by: role == .server ? lingerTimeout : closeTimeout)
    }
}
