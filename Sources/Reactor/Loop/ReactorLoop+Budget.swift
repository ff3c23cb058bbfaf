#if os(Linux)
import WebSocketCore

/// The loop's part in the node's budget for what slow readers have not taken.
extension ReactorLoop {
    /// Enters a change; the node is told at the end of the tick.
    func backlogHasChanged(to bytes: Int) {
        longestBacklog = backlogBytes == 0 ? 0 : max(longestBacklog, bytes)
        backlogsHaveChanged = true
    }

    func backlogHasGone(_ extras: Slot.Extras) {
        guard let backlog = extras.backlog else { return }
        extras.backlog = nil
        if PlantedLoopBug.isOn(.keepBacklogBytes) { return }
        backlog.clear()
        backlogHasChanged(to: 0)
    }

    func publishBacklogs() {
        backlogsHaveChanged = false
        budget?.publish(pending: backlogBytes, largest: longestBacklog)
    }

    /// The node has too much waiting, and the longest queue may be here: cuts readers off, the slowest first.
    func shed(_ request: OutputBudget.Request) {
        var queues: [(slot: SlotHandle, bytes: Int)] = []
        forEachConnection { slot in
            guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]), slot.pointee.machine.maySend,
                let bytes = slot.pointee.extras?.backlog?.bytes
            else { return }
            queues.append((slot, bytes))
        }
        queues.sort { $0.bytes > $1.bytes }
        let goal = backlogBytes - request.bytes
        var next = 0
        // What was dropped before is let go of first. The node asks again for what is more than a turn's work.
        var allowance = limits.releasesPerTick - heldOutput.release(atMost: limits.releasesPerTick)
        while next < queues.count, allowance > 0, backlogBytes > goal, queues[next].bytes >= request.floor {
            let slot = queues[next].slot
            cutOff(slot, .nodeBudget)
            // What has begun to leave can be one very long message: where the node has no room for it, it goes without.
            if let backlog = slot.pointee.extras?.backlog, backlog.bytes > 2 * Self.highMark {
                backlog.clear()
                condemn(slot)
            }
            allowance -= heldOutput.release(atMost: allowance)
            next += 1
        }
        longestBacklog = next < queues.count ? queues[next].bytes : 0
        backlogsHaveChanged = false
        budget?.answer(pending: backlogBytes, largest: longestBacklog)
    }
}
#endif
