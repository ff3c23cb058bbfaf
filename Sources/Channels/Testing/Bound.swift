/// Bounds that runs of the simulation make smaller, so that they meet them: elsewhere they are constants.
package enum Bound: CaseIterable, Sendable {
    /// Publications of a log that are read at once.
    case page
    /// Deliveries that one gate holds.
    case gate
    /// Bytes that one gate holds.
    case gateBytes
    /// Publications that a channel's stream holds because they came too early.
    case stream

    /// What it is outside of simulations.
    @inlinable package var standard: Int {
        switch self {
        case .page: 300
        case .gate: 2_000
        case .gateBytes: 1 << 20
        case .stream: 1_000
        }
    }

    #if PLANTED_BUGS
    nonisolated(unsafe) private static var limits: [Int] = allCases.map(\.standard)
    nonisolated(unsafe) private static var seen: [Int] = allCases.map { _ in 0 }

    private var index: Int {
        switch self {
        case .page: 0
        case .gate: 1
        case .gateBytes: 2
        case .stream: 3
        }
    }

    /// What it is now.
    package var limit: Int { Self.limits[index] }

    /// What it is from now on.
    package func set(_ limit: Int) { Self.limits[index] = limit }

    /// The most that was counted since ``reset()``.
    package var mostSeen: Int { Self.seen[index] }

    /// So much there is of what it bounds.
    package func count(_ number: Int) { Self.seen[index] = max(Self.seen[index], number) }

    /// Forgets what was counted.
    package static func reset() { seen = allCases.map { _ in 0 } }
    #else
    /// What it is.
    @inlinable package var limit: Int { standard }

    /// It is a constant outside of simulations.
    package func set(_ limit: Int) {}

    /// Nothing is counted outside of simulations.
    @inlinable package func count(_ number: Int) {}
    /// Nothing is counted outside of simulations.
    package var mostSeen: Int { 0 }
    /// Nothing is counted outside of simulations.
    package static func reset() {}
    #endif
}
