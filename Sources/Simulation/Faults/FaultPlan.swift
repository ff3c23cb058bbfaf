import PusherProtocol

/// What goes wrong in a run, and when: drawn from the seed, one fault after the other.
final class FaultPlan {
    private let world: World
    private var random: SeededRandom
    /// No further faults; what is under way has been ended.
    private(set) var isOver = false

    init(world: World, random: SeededRandom) {
        self.world = world
        self.random = random
        scheduleNext()
    }

    private var scheduler: Scheduler { world.scheduler }

    private func scheduleNext() {
        let interval = world.scenario.faultInterval * 1_000
        after(interval / 2 + random.below(interval)) { [self] in
            inject()
            scheduleNext()
        }
    }

    /// Something that happens later, unless the faults are over by then.
    private func after(_ microseconds: Int, _ action: @escaping () -> Void) {
        scheduler.schedule(.fault, 0, after: UInt64(microseconds)) { [self] in
            if !isOver { action() }
        }
    }

    private func inject() {
        guard let node = random.pick(world.liveNodes) else { return }
        let kind = random.below(100)
        if kind < 10 { return kill(node) }
        if kind < 14 { return jump(node) }
        if kind < 17 {
            scheduler.note("FAULT the store's clock jumps")
            world.host.clockOffset += UInt64(random.within(1...60_000))
            return
        }
        if kind < 30 { return revoke() }
        guard !world.isLossless else { return }
        if kind < 38 { return pause(node) }
        if world.scenario.isCalm { return }
        if kind < 42 { return crash() }
        if kind < 55 { return cut(node) }
        spoil(node)
    }

    /// The network between a node and the store becomes bad for a while.
    private func spoil(_ node: SimulatedNode) {
        var faults = EngineFaults.none
        let strength = random.pick([50, 150, 400]) ?? 150
        if random.chance(500) { faults.lost = random.below(strength) }
        if random.chance(600) { faults.dropped = random.below(2 * strength) }
        if random.chance(500) { faults.duplicated = random.below(2 * strength) }
        if random.chance(500) { faults.slow = random.below(strength) }
        // It may look alive and tell nothing.
        if random.chance(80) { faults.dropped = 1_000 }
        faults.longest = random.pick([30_000, 400_000, 3_500_000]) ?? 400_000
        scheduler.note("FAULT node \(node.process.index): \(faults)")
        node.engine.faults = faults
        after(random.within(300_000...5_000_000)) { node.engine.faults = .none }
    }

    private func cut(_ node: SimulatedNode) {
        scheduler.note("FAULT node \(node.process.index) is cut off")
        node.engine.isCut = true
        after(random.within(50_000...8_000_000)) { node.engine.reconnect() }
    }

    private func pause(_ node: SimulatedNode) {
        guard !node.process.isPaused else { return }
        scheduler.note("FAULT node \(node.process.index) is paused")
        node.process.isPaused = true
        after(random.within(50_000...9_000_000)) { [self] in
            if node.process.isPaused, node.process.isAlive { scheduler.resume(node.process) }
        }
    }

    private func kill(_ node: SimulatedNode) {
        let index = node.process.index
        // Somebody has to be there for the others.
        guard world.liveNodes.filter({ !$0.process.isPaused }).count > 1 else { return }
        scheduler.note("FAULT node \(index) is killed")
        world.killNode(index)
        after(random.within(100_000...6_000_000)) { [self] in world.startNode(index) }
    }

    private func jump(_ node: SimulatedNode) {
        scheduler.note("FAULT the clock of node \(node.process.index) jumps")
        node.process.clockOffset += UInt64(random.within(100...3_600_000))
    }

    private func crash() {
        guard world.host.isRunning else { return }
        scheduler.note("FAULT the store is lost")
        world.host.crash()
        world.audit.storeWasLost()
        for node in world.liveNodes { node.engine.storeIsGone() }
        after(random.within(50_000...3_000_000)) { [self] in
            world.host.begin()
            for node in world.liveNodes { after(random.below(1_500_000)) { node.engine.reconnect() } }
        }
    }

    /// The app takes a right away, or gives it back.
    private func revoke() {
        guard let client = random.pick(world.clients),
            let subscription = random.pick(client.subscriptions.filter { $0.kind.access == .signed })
        else { return }
        subscription.isRevoked.toggle()
        if subscription.isRevoked, random.chance(500) { client.drop() }
    }

    /// The faults are over: what was broken is whole again.
    func end() {
        scheduler.note("the faults are over")
        isOver = true
        world.host.begin()
        for index in world.nodes.indices { world.startNode(index) }
        for node in world.liveNodes {
            node.engine.faults = .none
            node.engine.reconnect()
            if node.process.isPaused { scheduler.resume(node.process) }
        }
    }
}

@available(*, unavailable)
extension FaultPlan: Sendable {}
