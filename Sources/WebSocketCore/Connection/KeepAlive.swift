/// Finds out whether the peer is still there (RFC 6455 §5.5.2): any byte that arrives counts as life.
///
/// After the ping interval of silence a ping is due; after the pong timeout more the peer is given up. Data that arrives
/// changes one number and touches no timer: the driver calls ``tick(_:now:)`` now and then. The times are of the
/// ``ConnectionLimits`` that the connection shares with others.
public struct KeepAlive: Hashable, Sendable {
    /// What is to be done.
    public enum Action: Hashable, Sendable {
        /// The peer is there, or it is too early to tell.
        case none
        /// Send a ping.
        case sendPing
        /// The peer is gone; give the transport up.
        case giveUp
    }

    private var lastInbound: MonotonicInstant
    private var pingIsOut = false

    /// Starts at `now`.
    public init(now: MonotonicInstant) { self.lastInbound = now }

    /// Bytes have arrived.
    public mutating func received(now: MonotonicInstant) {
        lastInbound = now
        pingIsOut = false
    }

    /// Time has passed.
    public mutating func tick(_ limits: ConnectionLimits, now: MonotonicInstant) -> Action {
        let silence = now.since(lastInbound)
        if pingIsOut {
            // A sum that overflows means never.
            let (limit, isNever) = limits.pingInterval.addingReportingOverflow(limits.pongTimeout)
            return silence >= limit && !isNever ? .giveUp : .none
        }
        guard silence >= limits.pingInterval else { return .none }
        pingIsOut = true
        // A loop that was away for long must not take its own absence for the peer's: the answer gets its full time.
        if silence > limits.pingInterval {
            lastInbound = MonotonicInstant(milliseconds: now.milliseconds - limits.pingInterval)
        }
        return .sendPing
    }

    /// When the next call of ``tick(_:now:)`` can change something.
    public func nextDeadline(_ limits: ConnectionLimits) -> MonotonicInstant {
        let quiet = lastInbound.advanced(by: limits.pingInterval)
        return pingIsOut ? quiet.advanced(by: limits.pongTimeout) : quiet
    }
}
