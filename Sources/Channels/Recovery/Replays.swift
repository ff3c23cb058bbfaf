import WebSocketCore

/// The replays on one shard: what many readers have missed is encoded once for all of them, and nothing is encoded for
/// which the node has no room.
///
/// A replay takes no more than three quarters of the node's output budget: the rest is for what is live. One that finds
/// no room waits, the oldest goes on first, and each goes on by what its connection takes at once. Other long frames that
/// one connection is given alone, lists of members above all, ask here as well; they cannot wait, so they
/// may take all of the budget. Confined to its shard's thread.
final class Replays: Sendable {
    private struct Key: Hashable {
        let channel: ObjectIdentifier
        let position: Position
    }

    /// A frame that others have as well, as long as one of their connections holds it.
    private struct Reference {
        weak var frame: SharedFrame?
    }

    /// So many frames are known at a time.
    private static let maximumKnown = 1024
    /// Frames below this size need not be asked for: a connection that has more waiting takes no further one.
    private static let unaskedBytes = 64 << 10
    /// So many replays go on before the node is asked again.
    private static let turns = 16

    private let budget: OutputBudget?
    nonisolated(unsafe) private var known: [Key: Reference] = [:]
    /// Those that wait for room, from ``first`` on.
    nonisolated(unsafe) private var waiting: [Seat] = []
    nonisolated(unsafe) private var first = 0
    /// What this iteration has replayed: the carrier has not told the node of it.
    nonisolated(unsafe) private var untoldBytes = 0
    /// Somebody is going to call ``goOn(on:)``.
    nonisolated(unsafe) private var isAwaited = false

    /// - Parameter budget: the node's; `nil` for none.
    init(_ budget: OutputBudget?) { self.budget = budget }

    func beginIteration() { untoldBytes = 0 }

    /// Asks for a publication that a seat has missed, before it is encoded; `nil` when the seat has to wait.
    func frame(
        for publication: Publication, at position: Position, to seat: Seat
    ) -> SharedFrame? {
        let key = Key(channel: ObjectIdentifier(seat.channel), position: position)
        let known = known[key]?.frame
        let bytes = known?.bytes.count ?? publication.event.count + publication.data.count + 512
        guard takesRoom(bytes, of: budget?.replayLimit) else {
            wait(seat, for: bytes)
            return nil
        }
        let frame =
            known ?? seat.channel.encoder.frame(forMissed: publication, at: position, in: seat.channel.name)
        if known == nil { remember(frame, key) }
        seat.shard.charge(bytes: frame.bytes.count, encodings: known == nil ? 1 : 0)
        return frame
    }

    private func remember(_ frame: SharedFrame, _ key: Key) {
        if known.count >= Self.maximumKnown {
            known = known.filter { $0.value.frame != nil }
            if known.count >= Self.maximumKnown { known = [:] }
        }
        known[key] = Reference(frame: frame)
    }

    /// Asks for a frame of `bytes` that goes to one connection alone, before it is queued there.
    func takesRoom(forOwn bytes: Int) -> Bool { bytes < Self.unaskedBytes || takesRoom(bytes, of: budget?.limit) }

    private func takesRoom(_ bytes: Int, of limit: Int?) -> Bool {
        guard let budget, let limit else { return true }
        let used = budget.pendingBytes + untoldBytes
        guard used == 0 || used + bytes <= limit else { return false }
        untoldBytes += bytes
        return true
    }

    private func wait(_ seat: Seat, for bytes: Int) {
        waiting.append(seat)
        awaitRoom(for: bytes, on: seat.shard)
    }

    /// Has ``goOn(on:)`` called when there is room for so many bytes.
    private func awaitRoom(for bytes: Int, on shard: Shard) {
        guard !isAwaited, let budget else { return }
        isAwaited = true
        budget.whenPending(atMost: max(0, budget.replayLimit - bytes)) { [self] in
            shard.post(.call { [self] in goOn(on: shard) })
        }
    }

    /// There is room again.
    private func goOn(on shard: Shard) {
        isAwaited = false
        let end = min(waiting.count, first + Self.turns)
        while first < end {
            waiting[first].gate?.hasRoom()
            first += 1
        }
        if first == waiting.count {
            (waiting, first) = ([], 0)
        } else {
            if first >= 64, first * 2 >= waiting.count {
                waiting.removeFirst(first)
                first = 0
            }
            // Behind what those have been given now.
            awaitRoom(for: 0, on: shard)
        }
    }
}
