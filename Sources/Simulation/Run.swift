/// One run: what a seed decides, from the beginning to the end.
///
/// The same seed and number of steps give the same run, event by event, which its ``Report/trace`` shows; in a process
/// with deterministic hashing also in another process. One thread.
public enum Run {
    /// What came of a run.
    public struct Report: Hashable, Sendable {
        /// What the run was made of.
        public let seed: UInt64
        /// Events that have happened.
        public let steps: Int
        /// A digest of them and of everything that clients and publishers were told.
        public let trace: UInt64
        /// The first invariant that did not hold; `nil` for none.
        public let violation: Violation?
    }

    /// Runs a seed.
    ///
    /// - Parameters:
    ///   - seed: decides everything.
    ///   - steps: after so many events the faults end; what follows, until all is quiet, are some hundreds more.
    ///   - log: told what happens, in words.
    public static func run(seed: UInt64, steps: Int = 900, log: ((String) -> Void)? = nil) -> Report {
        var random = SeededRandom(seed: seed)
        let scenario = Scenario(&random)
        scenario.setBounds()
        let world = World(scenario: scenario, random: random.split(), log: log)
        let faults = FaultPlan(world: world, random: random.split())
        for client in world.clients { client.live() }
        for publisher in world.publishers { publisher.live() }
        for reader in world.historyReaders { reader.live() }
        var course = Course(world: world, faults: faults)
        course.run(steps: steps)
        let report = Report(
            seed: seed, steps: world.scheduler.steps, trace: world.scheduler.trace.value,
            violation: world.scheduler.violation)
        world.dispose()
        return report
    }
}
