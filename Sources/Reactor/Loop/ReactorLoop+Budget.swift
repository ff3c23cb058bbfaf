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

    /// Memory of what has begun to leave that a connection keeps to its end where the node has no room, in bytes: it can be
    /// the end of a very long message, of which all is kept. Then it goes without a further word.
    static let mostWhenClosing = 2 * highMark

    /// Ends a connection that the node has no room for.
    func drop(_ slot: SlotHandle) {
        slot.pointee.extras?.backlog?.clear()
        condemn(slot)
    }

    func publishBacklogs() {
        backlogsHaveChanged = false
        budget?.publish(pending: backlogBytes, largest: longestBacklog)
    }

    /// The node has too much waiting, and the longest queue may be here: cuts readers off, the slowest first. Those that
    /// are being closed anyway, and take what had begun to leave just as slowly, count like the others.
    func shed(_ request: OutputBudget.Request) {
        var queues: [(slot: SlotHandle, bytes: Int)] = []
        forEachConnection { slot in
            guard slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]),
                let backlog = slot.pointee.extras?.backlog
            else { return }
            if slot.pointee.machine.maySend {
                queues.append((slot, backlog.bytes))
            } else if backlog.memory > Self.mostWhenClosing {
                queues.append((slot, backlog.memory))
            }
        }
        queues.sort { $0.bytes > $1.bytes }
        let goal = backlogBytes - request.bytes
        var next = 0
        // What was dropped before is let go of first. The node asks again for what is more than a turn's work.
        var allowance = limits.releasesPerTick - heldOutput.release(atMost: limits.releasesPerTick)
        while next < queues.count, allowance > 0, backlogBytes > goal, queues[next].bytes >= request.floor {
            let slot = queues[next].slot
            if slot.pointee.machine.maySend { cutOff(slot, .nodeBudget) } else { drop(slot) }
            allowance -= heldOutput.release(atMost: allowance)
            next += 1
        }
        longestBacklog = next < queues.count ? queues[next].bytes : 0
        backlogsHaveChanged = false
        budget?.answer(pending: backlogBytes, largest: longestBacklog)
    }
}
#endif
