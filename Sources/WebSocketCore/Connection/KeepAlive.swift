/// Finds out whether the peer is still there (RFC 6455 §5.5.2).
///
/// After the ping interval of silence a ping is due; after the pong timeout more the peer is given up. What counts as
/// life is one of three things:
///
/// - any byte, which is the default;
/// - with ``ConnectionLimits/pingsWithoutData`` a data frame, or any byte once a ping is out;
/// - after ``requireData()`` a data frame alone: something answers pings for a peer that may not be there any more.
///
/// Data that arrives changes one number and touches no timer: the driver calls ``tick(_:now:)`` now and then. The times
/// are of the ``ConnectionLimits`` that the connection shares with others.
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

    private static let pingIsOut: UInt64 = 1
    private static let pingsWithoutData: UInt64 = 2
    private static let requiresData: UInt64 = 4
    private static let mode = pingsWithoutData | requiresData
    private static let flagCount: UInt64 = 3

    /// Milliseconds of the last sign of life, above the flags: a connection pays eight bytes for both.
    private var bits: UInt64

    /// Starts at `now`.
    ///
    /// - Parameter pingsWithoutData: as ``ConnectionLimits/pingsWithoutData``.
    public init(now: MonotonicInstant, pingsWithoutData: Bool = false) {
        bits = pingsWithoutData ? Self.pingsWithoutData : 0
        restart(now: now)
    }

    /// Bytes have arrived, of whatever kind.
    @inline(__always)
    public mutating func received(now: MonotonicInstant) {
        if bits & Self.mode == 0 || bits & (Self.pingIsOut | Self.requiresData) == Self.pingIsOut { restart(now: now) }
    }

    /// A message has arrived, or a part of one.
    @inline(__always)
    public mutating func receivedData(now: MonotonicInstant) {
        if bits & Self.mode != 0 { restart(now: now) }
    }

    /// From now on only messages count as life.
    public mutating func requireData() { bits |= Self.requiresData }

    /// Silence begins now: the peer is there, or this side did not listen.
    @inline(__always)
    public mutating func restart(now: MonotonicInstant) { setLastInbound(now.milliseconds, isPingOut: false) }

    /// Time has passed.
    public mutating func tick(_ limits: ConnectionLimits, now: MonotonicInstant) -> Action {
        let silence = now.since(lastInbound)
        if bits & Self.pingIsOut != 0 {
            // A sum that overflows means never.
            let (limit, isNever) = limits.pingInterval.addingReportingOverflow(limits.pongTimeout)
            return silence >= limit && !isNever ? .giveUp : .none
        }
        guard silence >= limits.pingInterval else { return .none }
        // A loop that was away for long must not take its own absence for the peer's: the answer gets its full time.
        setLastInbound(now.milliseconds - limits.pingInterval, isPingOut: true)
        return .sendPing
    }

    /// When the next call of ``tick(_:now:)`` can change something.
    public func nextDeadline(_ limits: ConnectionLimits) -> MonotonicInstant {
        let quiet = lastInbound.advanced(by: limits.pingInterval)
        return bits & Self.pingIsOut != 0 ? quiet.advanced(by: limits.pongTimeout) : quiet
    }

    private var lastInbound: MonotonicInstant { MonotonicInstant(milliseconds: bits >> Self.flagCount) }

    @inline(__always)
    private mutating func setLastInbound(_ milliseconds: UInt64, isPingOut: Bool) {
        // The range that is left is that of 73 million years.
        bits = milliseconds << Self.flagCount | bits & Self.mode | (isPingOut ? Self.pingIsOut : 0)
    }
}
