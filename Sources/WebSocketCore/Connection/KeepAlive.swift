/// Finds out whether the peer is still there (RFC 6455 §5.5.2): any byte that arrives counts as life.
///
/// After `pingInterval` of silence a ping is due; after `pongTimeout` more the peer is given up. Data that arrives
/// changes one number and touches no timer: the driver calls ``tick(now:)`` now and then.
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

    private let pingInterval: UInt64
    private let pongTimeout: UInt64
    private var lastInbound: MonotonicInstant
    private var pingIsOut = false

    /// Starts at `now`; both times in milliseconds.
    public init(pingInterval: UInt64, pongTimeout: UInt64, now: MonotonicInstant) {
        self.pingInterval = pingInterval
        self.pongTimeout = pongTimeout
        self.lastInbound = now
    }

    /// Bytes have arrived.
    public mutating func received(now: MonotonicInstant) {
        lastInbound = now
        pingIsOut = false
    }

    /// Time has passed.
    public mutating func tick(now: MonotonicInstant) -> Action {
        let silence = now.since(lastInbound)
        if pingIsOut {
            // A sum that overflows means never.
            let (limit, isNever) = pingInterval.addingReportingOverflow(pongTimeout)
            return silence >= limit && !isNever ? .giveUp : .none
        }
        guard silence >= pingInterval else { return .none }
        pingIsOut = true
        // A loop that was away for long must not take its own absence for the peer's: the answer gets its full time.
        if silence > pingInterval { lastInbound = MonotonicInstant(milliseconds: now.milliseconds - pingInterval) }
        return .sendPing
    }

    /// When the next call of ``tick(now:)`` can change something.
    public var nextDeadline: MonotonicInstant {
        let quiet = lastInbound.advanced(by: pingInterval)
        return pingIsOut ? quiet.advanced(by: pongTimeout) : quiet
    }
}
