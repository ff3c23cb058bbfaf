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
    /// Deliveries that an iteration has left to the next ones, and what each costs. Shard's thread only.
    nonisolated(unsafe) private(set) var waiting = WaitingLine<(delivery: Delivery, cost: Int)>()
    /// What all of them cost. Shard's thread only.
    nonisolated(unsafe) private(set) var waitingCost = 0
    /// What waits on the shard for all channels of the hub.
    let load: DeliveryLoad
    /// The channel's members as of what has been delivered so far: a member that is welcomed is listed those that it
    /// hears from, without a look at the channel. Shard's thread only.
    nonisolated(unsafe) private var roster: Roster

    init(channel: Channel, shard: Shard, isPositioned: Bool, roster: Roster) {
        self.channel = channel
        self.shard = shard
        self.isPositioned = isPositioned
        self.roster = roster
        load = channel.hub.load(on: shard)
    }

    /// Has a delivery wait for the next iterations. Shard's thread only.
    func append(_ delivery: Delivery) {
        let cost = ShardWork.cost(ofDeliveries: delivery.isForAll ? count : 1, bytes: delivery.byteCount)
        waiting.append((delivery, cost))
        waitingCost &+= cost
        load.add(cost)
    }

    /// The delivery that has waited longest. Shard's thread only.
    func popFirst() -> Delivery? {
        guard let (delivery, cost) = waiting.popFirst() else { return nil }
        waitingCost &-= cost
        load.remove(cost)
        return delivery
    }

    /// How many subscribers a delivery goes to. Shard's thread only.
    var count: Int { subscribers.count }

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

    /// Hands `frame` to everybody.
    func deliver(_ frame: SharedFrame) { deliver(frame, from: 0, to: subscribers.count) }

    /// Takes a change of the roster over and tells everybody whom it does not come from.
    func deliver(_ change: RosterChange) {
        switch change.kind {
        case .joined(let member):
            roster.append(member)
            for frame in change.frames { deliver(frame) }
        case .left(let sequence):
            roster.remove(sequence)
            for frame in change.frames { deliver(frame) }
        case .changed(let member, let seat):
            roster.replace(member)
            for frame in change.frames { deliver(frame, except: seat) }
            if seat.audience === self, member.isCurrent { welcomeAgain(seat, as: member) }
        }
    }

    private func deliver(_ frame: SharedFrame, except exception: Seat) {
        // The index of a member on another shard says nothing here, and is not this thread's to read.
        guard exception.audience === self, exception.index >= 0 else { return deliver(frame) }
        deliver(frame, from: 0, to: Int(exception.index))
        deliver(frame, from: Int(exception.index) + 1, to: subscribers.count)
    }

    /// Tells a member that it is in, and who else is.
    func welcome(_ seat: Seat, as member: ListedMember) {
        guard let subscriber = seat.present else { return }
        guard shard.takesRoom(for: roster.listingBytes) else { return subscriber.mustRecover(channel.name) }
        guard let frame = channel.encoder.welcome(member, roster, in: channel.name) else { return }
        shard.charge(bytes: frame.bytes.count, encodings: 1)
        seat.welcomed = shard.iteration
        subscriber.deliver(frame)
    }

    /// Tells a member that has changed who is in: once in an iteration at most, and when its connection has not taken
    /// what it was told before, as soon as it has.
    private func welcomeAgain(_ seat: Seat, as member: ListedMember) {
        guard let subscriber = seat.present else { return }
        let isTold = seat.welcomed == shard.iteration
        seat.awaitsWelcome = isTold || !subscriber.isWritable
        if !seat.awaitsWelcome {
            welcome(seat, as: member)
        } else if isTold {
            shard.post(.turn(Delivery.Turn(seat) { [self] in welcomeLate(seat, member.sequence) }))
        }
    }

    /// The connection of a member that waits for its welcome takes more again; in its turn, like everything else.
    func welcomeLate(_ seat: Seat, _ sequence: UInt64) {
        guard seat.awaitsWelcome, let member = roster.member(sequence) else { return }
        welcomeAgain(seat, as: member)
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
