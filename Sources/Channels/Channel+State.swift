import WebSocketCore

/// What a channel's lock protects.
extension Channel {
    struct State: Sendable {
        struct Entry {
            var member: Member
            let seat: Seat
            let sequence: UInt64
        }

        /// The subscribers of one kind on one shard, members or not.
        struct Share {
            let audience: Audience
            var seatCount: Int
        }

        /// The members in joining order, which is the order of their sequence numbers.
        private(set) var roster: [Entry] = []
        /// One or two for each shard that has subscribers.
        private var shares: [Share] = []
        private var nextSequence: UInt64 = 0
        /// Set with the last leave. Nobody can come any more; the hub puts another channel in its place.
        private(set) var isGone = false

        /// What the engine tells, in order.
        var stream = ChannelStream()
        /// Whether the engine tells this channel anything.
        var opening = Opening.closed
        /// Subscriptions that wait for the engine to open the channel.
        var waiting: [Opener] = []
        /// What members publish before the engine has opened the channel: it waits, so that they hear it.
        var deferred: [@Sendable (EngineError?) -> Void] = []
        /// Whom this node's subscriptions make present.
        var presences: [Presence] = []
        /// The version of the last change of presence that was told; `nil` before the first.
        var presenceVersion: UInt64?
        /// Changes of presence may have been missed.
        var needsMembers = false
        /// Who is present has to be told again even if nothing has changed.
        var mustTellMembers = false
        /// The engine may have forgotten the number of subscriptions.
        var mustReport = false
        /// Grows with each report of the number of subscriptions.
        var reportVersion: UInt64 = 0
        /// The number of subscriptions in the cluster that has not been told, since it changes too often.
        var untoldCount: Int?
        /// When that number was last told.
        var countWasTold: MonotonicInstant?
        /// The log or the members are being read.
        var isCatchingUp = false

        enum Opening { case closed, underWay, open }

        var members: [Member] { roster.map(\.member) }
        var hasAnybody: Bool { !shares.isEmpty }
        /// Whether there is more than one subscriber.
        var hasOthers: Bool { shares.count > 1 || shares.contains { $0.seatCount > 1 } }
        var subscriptions: Int { shares.reduce(0) { $0 + $1.seatCount } }
        /// A shard that the channel has subscribers on, to do something there.
        var anyShard: Shard? { shares.first?.audience.shard }

        /// Gives `subscriber` a seat in the audience of its shard; the delivery that puts it there is the caller's.
        mutating func admit(
            _ subscriber: Subscriber, on shard: Shard, to channel: Channel, isPositioned: Bool, isGated: Bool
        ) -> Seat {
            if let index = shares.firstIndex(where: {
                $0.audience.shard === shard && $0.audience.isPositioned == isPositioned
            }) {
                shares[index].seatCount += 1
                return Seat(audience: shares[index].audience, subscriber: subscriber, isGated: isGated)
            }
            let audience = Audience(channel: channel, shard: shard, isPositioned: isPositioned)
            shares.append(Share(audience: audience, seatCount: 1))
            return Seat(audience: audience, subscriber: subscriber, isGated: isGated)
        }

        /// Takes a seat away; with the last one the channel is gone.
        mutating func dismiss(_ seat: Seat) {
            guard let index = shares.firstIndex(where: { $0.audience === seat.audience }) else { return }
            shares[index].seatCount -= 1
            if shares[index].seatCount == 0 { shares.remove(at: index) }
            isGone = shares.isEmpty
            waiting.removeAll { $0.seat === seat }
            seat.shard.post(.exit(seat))
        }

        /// What the engine is to be told of the number of subscriptions.
        mutating func makeReport() -> (subscriptions: Int, version: UInt64) {
            reportVersion += 1
            return (subscriptions, reportVersion)
        }

        /// Gives `member` its place at the roster's end.
        mutating func enroll(_ member: Member, at seat: Seat) -> MemberTicket {
            let ticket = MemberTicket(code: member.code, sequence: nextSequence)
            nextSequence += 1
            roster.append(Entry(member: member, seat: seat, sequence: ticket.sequence))
            return ticket
        }

        /// What tells the entry in the roster of the member with this seat; `nil` when it is no member.
        func ticket(of seat: Seat) -> MemberTicket? {
            roster.first { $0.seat === seat }.map { MemberTicket(code: $0.member.code, sequence: $0.sequence) }
        }

        /// Removes a member from the roster.
        mutating func strike(_ ticket: MemberTicket) {
            if let index = index(of: ticket) { roster.remove(at: index) }
        }

        /// Replaces what a member shows of itself; `nil` when it is not there.
        mutating func update(_ profile: Profile, of ticket: MemberTicket) -> Member? {
            guard let index = index(of: ticket) else { return nil }
            roster[index].member.profile = profile
            return roster[index].member
        }

        /// Posts a frame to everybody, or to everybody but one.
        func post(_ frame: SharedFrame?, except exception: Seat? = nil) {
            guard let frame else { return }
            for share in shares {
                share.audience.shard.post(.all(share.audience, except: exception, frame))
            }
        }

        /// Posts a frame to those that are told positions.
        func postToPositioned(_ frame: @autoclosure () -> SharedFrame?, _ context: DeliveryContext) {
            guard shares.contains(where: { $0.audience.isPositioned }), let frame = frame() else { return }
            for share in shares where share.audience.isPositioned {
                share.audience.shard.post(.told(share.audience, frame, context))
            }
        }

        /// Posts a change of presence.
        func post(_ frame: SharedFrame?, version: UInt64) {
            guard let frame else { return }
            let context = DeliveryContext(version: version)
            for share in shares { share.audience.shard.post(.told(share.audience, frame, context)) }
        }

        /// Posts a publication, encoded once for each kind of subscribers that there is.
        func post(_ publication: Publication, at position: Position?, _ channel: Channel) {
            guard !shares.isEmpty else { return }
            let published = channel.published(
                publication, at: position,
                isPlainWanted: shares.contains { position == nil || !$0.audience.isPositioned },
                isPositionWanted: shares.contains { $0.audience.isPositioned })
            for share in shares { share.audience.shard.post(.publication(share.audience, published)) }
        }

        private func index(of ticket: MemberTicket) -> Int? {
            var low = roster.startIndex
            var high = roster.endIndex
            while low < high {
                let middle = low + (high - low) / 2
                if roster[middle].sequence < ticket.sequence { low = middle + 1 } else { high = middle }
            }
            return low < roster.endIndex && roster[low].sequence == ticket.sequence ? low : nil
        }
    }
}
