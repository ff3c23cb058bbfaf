import WebSocketCore

/// Time and chance: everything that happens in a run is an event here, and comes out one by one.
///
/// One thread. The clock stands still while an event runs, and jumps to the next one. Times are in microseconds.
final class Scheduler {
    /// What an event is, for the trace.
    enum Kind: UInt64 {
        case loopTurn, tick, toStore, toNode, sink, toServer, toClient, client, publisher, fault, publishAnswer
        case historyReader, historyAnswer
    }

    struct Event {
        let kind: Kind
        let subject: Int
        /// Where it happens; `nil` for what is no node's.
        let process: SimulatedProcess?
        let action: () -> Void
    }

    private(set) var now: UInt64 = 1_000_000
    private var queue = EventQueue<Event>()
    private var tieBreaks: SeededRandom
    private(set) var steps = 0
    var trace = TraceHash()
    private(set) var violation: Violation?

    /// Told what happens, in words; for whoever looks into one run.
    private let log: ((String) -> Void)?

    init(random: SeededRandom, log: ((String) -> Void)?) {
        tieBreaks = random
        self.log = log
    }

    /// Milliseconds on the clock that never jumps.
    var milliseconds: UInt64 { now / 1000 }

    func schedule(
        _ kind: Kind, _ subject: Int, after delay: UInt64, on process: SimulatedProcess? = nil,
        _ action: @escaping () -> Void
    ) {
        schedule(kind, subject, at: now &+ delay, on: process, action)
    }

    func schedule(
        _ kind: Kind, _ subject: Int, at time: UInt64, on process: SimulatedProcess? = nil,
        _ action: @escaping () -> Void
    ) {
        let event = Event(kind: kind, subject: subject, process: process, action: action)
        queue.add(event, at: max(now, time), tieBreak: tieBreaks.next())
    }

    /// Goes on with what a paused process has missed, before anything new can reach it.
    func resume(_ process: SimulatedProcess) {
        process.isPaused = false
        let postponed = process.postponed
        process.postponed = []
        for (place, event) in postponed.enumerated() { queue.add(event, at: now, tieBreak: UInt64(place)) }
    }

    /// Has the next event happen; `false` when there is none.
    func step() -> Bool {
        while let (time, event) = queue.next() {
            now = time
            if let process = event.process {
                guard process.isAlive else { continue }
                guard !process.isPaused else {
                    process.postponed.append(event)
                    continue
                }
            }
            steps += 1
            trace.mix(time &<< 8 ^ UInt64(truncatingIfNeeded: event.subject) &<< 4 ^ event.kind.rawValue)
            event.action()
            return true
        }
        return false
    }

    /// Says what happens, if anybody listens.
    func note(_ words: @autoclosure () -> String) {
        log?("\(steps) \(now / 1_000).\(String(now % 1_000 + 1_000).dropFirst()) \(words())")
    }

    /// Forgets what was going to happen, and with it whoever it would have happened to.
    func dispose() { queue = EventQueue() }

    /// The first violation is the one that counts: what follows may follow from it.
    func report(_ invariant: Invariant, _ words: @autoclosure () -> String) {
        guard violation == nil else { return }
        violation = Violation(invariant: invariant, step: steps, words: words())
    }

    func check(_ condition: Bool, _ invariant: Invariant, _ words: @autoclosure () -> String) {
        if !condition { report(invariant, words()) }
    }
}

@available(*, unavailable)
extension Scheduler: Sendable {}
