import WebSocketCore

/// The subscribers of one channel on one shard that get the same frames: those that are told positions, or the others.
///
/// Any thread may hold a reference, to address a delivery; its list is touched on the shard's thread only, and changes
/// only by deliveries from the mailbox, so that it is what the channel was when each publication was made.
final class Audience: Sendable {
    let channel: Channel
    let shard: Shard
    /// Whether positions go with publications.
    let isPositioned: Bool
    /// What ``deliver(_:except:)`` walks over: one load per subscriber, `nil` where somebody has left meanwhile. The
    /// seats keep the subscribers alive, so the walk need not count references, which would be half of its work.
    nonisolated(unsafe) private var subscribers: [Unmanaged<Subscriber>?] = []
    /// The seats of ``subscribers``, at the same indices.
    nonisolated(unsafe) private var seats: [Seat] = []
    /// What is being delivered. Shard's thread only.
    nonisolated(unsafe) private(set) var context = DeliveryContext()

    init(channel: Channel, shard: Shard, isPositioned: Bool) {
        self.channel = channel
        self.shard = shard
        self.isPositioned = isPositioned
    }

    func add(_ seat: Seat) {
        // More than two thousand million on one shard are not to be had.
        seat.index = Int32(truncatingIfNeeded: seats.count)
        seats.append(seat)
        subscribers.append(seat.receiver.map { Unmanaged.passUnretained($0) })
    }

    /// Makes a subscriber deaf at once; its place goes with ``remove(_:)``, which is still in the mailbox.
    func silence(_ seat: Seat) {
        let index = Int(seat.index)
        if subscribers.indices.contains(index) { subscribers[index] = nil }
    }

    /// A seat's receiver is another one from now on.
    func exchange(_ seat: Seat) {
        let index = Int(seat.index)
        if subscribers.indices.contains(index) {
            subscribers[index] = seat.receiver.map { Unmanaged.passUnretained($0) }
        }
    }

    /// Removes `seat` in constant time: the last one takes its place.
    func remove(_ seat: Seat) {
        let index = Int(seat.index)
        guard seats.indices.contains(index), let last = seats.popLast() else { return }
        let subscriber = subscribers.removeLast()
        guard last !== seat else { return }
        last.index = seat.index
        seats[index] = last
        subscribers[index] = subscriber
    }

    /// Hands `frame` to everybody but the one in the seat `exception`.
    func deliver(_ frame: SharedFrame, except exception: Seat?) {
        // The index of a member on another shard says nothing here, and is not this thread's to read.
        guard let exception, exception.audience === self, exception.index >= 0 else {
            return deliver(frame, from: 0, to: subscribers.count)
        }
        deliver(frame, from: 0, to: Int(exception.index))
        deliver(frame, from: Int(exception.index) + 1, to: subscribers.count)
    }

    /// Hands a frame to everybody, gates being told what it is about.
    func deliver(_ frame: SharedFrame, _ context: DeliveryContext) {
        self.context = context
        deliver(frame, from: 0, to: subscribers.count)
        self.context = DeliveryContext()
    }

    /// Hands a publication to everybody but the connection that it leaves out.
    func deliver(_ published: PublishedFrame) {
        context.position = published.position
        if let excluded = published.excluded, !PlantedBug.isOn(.deliverToExcluded) {
            deliver(published, except: excluded)
        } else if let frame = published.frame(for: self) {
            deliver(frame, from: 0, to: subscribers.count)
        }
        context.position = nil
    }

    private func deliver(_ published: PublishedFrame, except excluded: ConnectionID) {
        let told = published.frame(for: self)
        let substitute = published.substitute(for: self)
        var index = 0
        let end = subscribers.count
        while index < end {
            let isExcluded = seats[index].present.map { $0.connectionID == excluded } ?? false
            if let frame = isExcluded ? substitute : told {
                subscribers[index]?._withUnsafeGuaranteedRef { $0.deliver(frame) }
            }
            index &+= 1
        }
    }

    /// The loop that all fan-out goes through: about a dozen instructions a turn.
    private func deliver(_ frame: SharedFrame, from start: Int, to end: Int) {
        var index = start
        // By index: a delivery may silence members, and must not meet a copy that still has them.
        while index < end {
            subscribers[index]?._withUnsafeGuaranteedRef { $0.deliver(frame) }
            index &+= 1
        }
    }
}
