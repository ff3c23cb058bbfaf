import Foundation
import PusherProtocol
import Reactor
import Synchronization

/// What the process can tell about its work. Any thread.
///
/// Nothing is counted per message or delivery, so that the counting is not measured along.
enum Counters {
    static let connections = Atomic(0)
    static let publicationsEncoded = Atomic(0)
    static let shardWakeUps = Atomic(0)
    /// Nanoseconds; with `--watch` only.
    static let longestAbsence = Atomic<Int64>(0)

    static func noteAbsence(nanoseconds: Int64) { longestAbsence.max(nanoseconds, ordering: .relaxed) }

    /// One object on one line.
    ///
    /// - Parameter carrier: members that the carrier adds.
    static func json(loops: Int, _ carrier: String) -> String {
        let beat = longestAbsence.load(ordering: .relaxed)
        let absence = beat > 0 ? ",\(milliseconds(Double(beat) / 1_000_000))" : ""
        return """
            {"pid":\(ProcessInfo.processInfo.processIdentifier),"loops":\(loops),\
            "connections":\(connections.load(ordering: .relaxed)),\
            "publications_encoded":\(publicationsEncoded.load(ordering: .relaxed) + PusherPlace.runtime.encoder.encodedCount),\
            "shard_wake_ups":\(shardWakeUps.load(ordering: .relaxed)),\
            \(carrier)\(absence)}

            """
    }

    #if os(Linux)
    /// The members that the reactor adds.
    static func json(_ statistics: ReactorStatistics) -> String {
        """
        "carrier":"reactor","ticks":\(statistics.ticks),"events":\(statistics.events),"reads":\(statistics.reads),\
        "writes":\(statistics.writes),"wake_ups":\(statistics.wakeUps),"slow_readers":\(statistics.slowReaders),\
        "largest_read":\(statistics.largestRead),\
        \(milliseconds(Double(statistics.longestTickMicroseconds) / 1_000))
        """
    }
    #endif

    private static func milliseconds(_ absence: Double) -> String {
        "\"longest_absence_ms\":\((absence * 1_000).rounded() / 1_000)"
    }
}
