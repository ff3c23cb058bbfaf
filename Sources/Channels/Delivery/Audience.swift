import WebSocketCore

/// The members of one channel on one shard.
///
/// Any thread may hold a reference, to address a delivery; its list is touched on the shard's thread only, and changes
/// only by deliveries from the mailbox, so that it is what the channel was when each publication was made.
final class Audience: Sendable {
    let shard: Shard
    /// What ``deliver(_:except:)`` walks over: one load per member, `nil` where somebody has left meanwhile. The seats
    /// keep the subscribers alive, so the walk need not count references, which would be half of its work.
    nonisolated(unsafe) private var subscribers: [Unmanaged<Subscriber>?] = []
    /// The seats of ``subscribers``, at the same indices.
    nonisolated(unsafe) private var seats: [Seat] = []

    init(shard: Shard) { self.shard = shard }

    func add(_ seat: Seat) {
        seat.index = seats.count
        seats.append(seat)
        subscribers.append(seat.present.map { Unmanaged.passUnretained($0) })
    }

    /// Makes a member deaf at once; its place goes with ``remove(_:)``, which is still in the mailbox.
    func silence(_ seat: Seat) {
        if subscribers.indices.contains(seat.index) { subscribers[seat.index] = nil }
    }

    /// Removes `seat` in constant time: the last one takes its place.
    func remove(_ seat: Seat) {
        guard seats.indices.contains(seat.index), let last = seats.popLast() else { return }
        let subscriber = subscribers.removeLast()
        guard last !== seat else { return }
        last.index = seat.index
        seats[seat.index] = last
        subscribers[seat.index] = subscriber
    }

    func deliver(_ frame: SharedFrame, except exception: Seat?) {
        // The index of a member on another shard says nothing here, and is not this thread's to read.
        let silent = exception.flatMap { $0.audience === self ? $0.index : nil }
        // By index: a delivery may silence members, and must not meet a copy that still has them.
        for index in subscribers.indices where index != silent {
            subscribers[index]?._withUnsafeGuaranteedRef { $0.deliver(frame) }
        }
    }
}
