/// The course of a run: faults, then peace, then the end; after each event the invariants are looked at.
struct Course {
    let world: World
    let faults: FaultPlan

    private var scheduler: Scheduler { world.scheduler }

    mutating func run(steps: Int) {
        while scheduler.steps < steps { guard step() else { return } }
        settle()
        guard scheduler.violation == nil else { return }
        publishOnce()
        guard scheduler.violation == nil else { return }
        FinalAudit(world: world).checkConvergence()
        guard scheduler.violation == nil else { return }
        leave()
    }

    private func step() -> Bool {
        guard scheduler.step() else {
            scheduler.report(.liveness, "nothing happens any more")
            return false
        }
        world.audit.check(world)
        return scheduler.violation == nil
    }

    private func run(for microseconds: UInt64) {
        let end = scheduler.now + microseconds
        while scheduler.now < end { guard step() else { return } }
    }

    /// The faults end, and everybody comes back: within a minute all is well.
    private func settle() {
        faults.end()
        world.isSettling = true
        run(for: World.lease * 1_000 + 8_000_000)
        for _ in 0..<50 {
            guard scheduler.violation == nil, !FinalAudit(world: world).hasConverged else { return }
            run(for: 1_000_000)
        }
    }

    /// What is published now reaches everybody.
    private func publishOnce() {
        for publisher in world.publishers { publisher.publishToAll() }
        run(for: 6_000_000)
    }

    /// Everybody leaves, and nothing is left.
    private func leave() {
        world.isEnding = true
        for client in world.clients { client.drop() }
        run(for: 12_000_000)
        if scheduler.violation == nil { FinalAudit(world: world).checkNothingIsLeft() }
    }
}
