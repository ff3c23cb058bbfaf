/// A point in time of a clock that never jumps, in milliseconds since an origin of the caller's.
///
/// The core never reads a clock: whoever drives it passes the time in.
public struct MonotonicInstant: Hashable, Comparable, Sendable {
    /// Milliseconds since the origin.
    public let milliseconds: UInt64

    /// A point in time.
    public init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    /// Whether one point is before another.
    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// The point `milliseconds` later; the end of time instead of an overflow.
    public func advanced(by milliseconds: UInt64) -> MonotonicInstant {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
        return MonotonicInstant(milliseconds: overflow ? .max : sum)
    }

    /// Milliseconds from `earlier` to here; 0 when it is later.
    public func since(_ earlier: MonotonicInstant) -> UInt64 {
        milliseconds > earlier.milliseconds ? milliseconds - earlier.milliseconds : 0
    }
}
