/// How long one connection's socket is not read because its peer sends faster than it may, and how long that was in the
/// last minute.
///
/// Made when a peer exceeds its rate for the first time; belongs to the connection's loop.
public final class ReadingHold {
    /// Milliseconds that one hold takes at most: then the socket is read again, or another hold begins.
    public static let longest: UInt64 = 1_000
    /// Milliseconds that one hold takes at least; timers are no finer.
    static let shortest: UInt64 = 100
    /// Milliseconds of one of the sixteen spans that the last minute is counted in.
    private static let span: UInt64 = 3_750

    /// When the hold that is on ends.
    public private(set) var until: MonotonicInstant?
    private var since = MonotonicInstant(milliseconds: 0)
    /// Milliseconds held in each of the last sixteen spans, and which the newest of them is.
    private var held = SIMD16<UInt16>()
    private var newest: UInt64 = 0

    /// No hold yet.
    public init() {}

    /// Whether the socket is not read at the moment.
    public var isOn: Bool { until != nil }

    /// Begins a hold of `wait` milliseconds, made shorter or longer where a hold may not be that long or short.
    public func begin(for wait: UInt64, now: MonotonicInstant) {
        guard until == nil else { return }
        since = now
        until = now.advanced(by: min(max(wait, Self.shortest), Self.longest))
    }

    /// Ends the hold that is on.
    public func end(now: MonotonicInstant) {
        guard let until else { return }
        self.until = nil
        forget(before: now)
        // A loop that was away for long does not charge its own absence to the peer.
        let time = min(now.since(since), until.since(since) + 2 * Self.shortest)
        let index = Int(newest % 16)
        held[index] = UInt16(clamping: UInt64(held[index]) + time)
    }

    /// Whether more of the last minute was held than may be: then the peer is not in a hurry, it floods.
    public func isTooMuch(_ limits: ConnectionLimits, now: MonotonicInstant) -> Bool {
        heldTime(now: now) > limits.maximumHoldTime
    }

    /// Whether nothing of the last minute was held, so that nothing needs to be remembered.
    public func isOver(now: MonotonicInstant) -> Bool { until == nil && heldTime(now: now) == 0 }

    private func heldTime(now: MonotonicInstant) -> UInt64 {
        forget(before: now)
        return held.indices.reduce(0) { $0 + UInt64(held[$1]) }
    }

    /// Clears the spans that are more than a minute old.
    private func forget(before now: MonotonicInstant) {
        let present = now.milliseconds / Self.span
        guard present > newest else { return }
        if present - newest >= 16 { held = SIMD16() }
        var span = max(newest, present - min(present, 16))
        while span < present {
            span += 1
            held[Int(span % 16)] = 0
        }
        newest = present
    }
}

@available(*, unavailable)
extension ReadingHold: Sendable {}
