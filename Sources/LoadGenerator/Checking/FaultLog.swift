import Synchronization

/// Counts what the server did wrong, and keeps the words for the first few. May be used from any thread.
final class FaultLog: Sendable {
    private struct State {
        var count: UInt64 = 0
        var gaps: UInt64 = 0
        var described: [String] = []
        var undescribed: UInt64 = 0
    }

    /// How many are described.
    static let describedFaults = 10

    private let state = Mutex(State())

    /// Notes a fault.
    ///
    /// - Parameters:
    ///   - gap: messages that are missing.
    ///   - count: how many faults of the same kind this is.
    ///   - words: cause and, where there is one, cure; only made when they are kept.
    func add(gap: UInt64 = 0, count: UInt64 = 1, _ words: () -> String) {
        state.withLock { state in
            state.count &+= count
            state.gaps &+= gap
            if state.described.count < Self.describedFaults {
                state.described.append(words())
            } else {
                state.undescribed &+= count
            }
        }
    }

    /// All faults.
    var count: UInt64 { state.withLock { $0.count } }

    /// Messages that never came although a later one did.
    var gaps: UInt64 { state.withLock { $0.gaps } }

    /// The first few in words.
    var described: [String] { state.withLock { $0.described } }

    /// How many the words leave out.
    var undescribed: UInt64 { state.withLock { $0.undescribed } }
}
