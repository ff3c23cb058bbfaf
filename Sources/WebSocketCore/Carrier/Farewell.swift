/// What the connections of a loop are told when the server stops, and when; for carriers.
public struct Farewell: Hashable, Sendable {
    /// What everybody is told whose limits name no code of their own.
    public let frame: CloseFrame
    /// Milliseconds until the last of those is told whose limits name one.
    public let spread: UInt64

    /// Composes a farewell; of the time that the closing handshakes have, half is for telling.
    public init(_ frame: CloseFrame, within time: Duration = .zero) {
        self.frame = frame
        let (seconds, attoseconds) = time.components
        let milliseconds = min(max(seconds, 0), 3600) * 1000 + attoseconds / 1_000_000_000_000_000
        spread = UInt64(clamping: milliseconds / 2)
    }

    /// What a connection with these limits is told.
    public func frame(for limits: ConnectionLimits) -> CloseFrame {
        limits.stopCode.map { CloseFrame(code: $0, reason: frame.reason) } ?? frame
    }

    /// Milliseconds that a connection with these limits waits for it.
    ///
    /// - Parameters:
    ///   - number: how many such connections of its loop come before it.
    ///   - count: how many connections the loop has.
    public func delay(for limits: ConnectionLimits, number: Int, of count: Int) -> UInt64 {
        guard limits.stopCode != nil, count > 0, number >= 0 else { return 0 }
        let (product, overflow) = spread.multipliedReportingOverflow(by: UInt64(number))
        return overflow ? 0 : min(product / UInt64(count), UInt64(number))
    }
}
