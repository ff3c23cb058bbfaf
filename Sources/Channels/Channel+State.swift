import WebSocketCore

/// What a channel's lock protects.
extension Channel {
    struct State: Sendable {
        /// The subscribers of one kind on one shard, members or not.
        struct Share {
            let audience: Audience
            var seatCount: Int
        }

        /// The members.
        private(set) var roster = Roster()
        /// Their seats, at the same indices.
        private var memberSeats: [Seat] = []
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
        private var waiting: [Opener] = []
        /// Of those, the ones that have left. Held, so that no other seat gets the identifier of one of them.
        private var cancelled: [ObjectIdentifier: Seat] = [:]
        /// What members publish before the engine has opened the channel: it waits, so that they hear it.
        var deferred: [@Sendable (EngineError?) -> Void] = []
        /// Whom this node's subscriptions make present.
        var presences = PresenceTable()
        /// The newest snapshot of those that subscriptions have got in the last second: the others may have it too.
        private(set) var newestMembers: PresenceSnapshot?
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

        var hasAnybody: Bool { !shares.isEmpty }
        /// Whether there is more than one subscriber.
        var hasOthers: Bool { shares.count > 1 || shares.contains { $0.seatCount > 1 } }
        var subscriptions: Int { shares.reduce(0) { $0 + $1.seatCount } }
        /// A shard that the channel has subscribers on, to do something there.
        var anyShard: Shard? { shares.first?.audience.shard }

        /// Gives `subscriber` a seat in the audience of its shard; the delivery that puts it there is the caller's.
        ///
        /// - Parameter member: what it is enrolled as afterwards; the others have been told.
        mutating func admit(
            _ subscriber: Subscriber, on shard: Shard, to channel: Channel, as member: ListedMember? = nil,
            isPositioned: Bool, isGated: Bool
        ) -> Seat {
            if let index = shares.firstIndex(where: {
                $0.audience.shard === shard && $0.audience.isPositioned == isPositioned
            }) {
                shares[index].seatCount += 1
                return Seat(audience: shares[index].audience, subscriber: subscriber, isGated: isGated)
            }
            // It has no copy of the roster that could be told of the newcomer.
            var roster = roster
            if let member { roster.append(member) }
            let audience = Audience(channel: channel, shard: shard, isPositioned: isPositioned, roster: roster)
            shares.append(Share(audience: audience, seatCount: 1))
            return Seat(audience: audience, subscriber: subscriber, isGated: isGated)
        }

        /// Takes a seat away; with the last one the channel is gone.
        mutating func dismiss(_ seat: Seat) {
            guard let index = shares.firstIndex(where: { $0.audience === seat.audience }) else { return }
            shares[index].seatCount -= 1
            if shares[index].seatCount == 0 { shares.remove(at: index) }
            isGone = shares.isEmpty
            cancelWaiting(seat)
            seat.shard.post(.exit(seat))
        }

        /// Has a subscription wait for the engine.
        mutating func wait(_ opener: Opener) { waiting.append(opener) }

        private mutating func cancelWaiting(_ seat: Seat) {
            guard !waiting.isEmpty else { return }
            cancelled[ObjectIdentifier(seat)] = seat
            guard cancelled.count > max(64, waiting.count / 2) else { return }
            waiting = takeWaiting()
        }

        /// Ends the waiting of those that have not left.
        mutating func takeWaiting() -> [Opener] {
            defer { (waiting, cancelled) = ([], [:]) }
            return cancelled.isEmpty ? waiting : waiting.filter { cancelled[ObjectIdentifier($0.seat)] == nil }
        }

        /// A snapshot has come; whether none was known before.
        mutating func noteMembers(_ snapshot: PresenceSnapshot) -> Bool {
            let isFirst = newestMembers == nil
            // Of two of the same version the first stays, which may have been encoded.
            if snapshot.version > newestMembers?.version ?? 0 || isFirst { newestMembers = snapshot }
            return isFirst
        }

        /// A second has passed.
        mutating func forgetMembers() { newestMembers = nil }

        /// What the engine is to be told of the number of subscriptions.
        mutating func makeReport() -> (subscriptions: Int, version: UInt64) {
            reportVersion += 1
            return (subscriptions, reportVersion)
        }

        /// What `member` will stand in the roster as.
        mutating func list(_ member: Member, _ listing: [UInt8]) -> ListedMember {
            defer { nextSequence += 1 }
            return ListedMember(member, listing: listing, sequence: nextSequence)
        }

        /// Gives `member` its place at the roster's end.
        mutating func enroll(_ member: ListedMember, at seat: Seat) {
            roster.append(member)
            memberSeats.append(seat)
        }

        /// Removes a member from the roster; `false` when it is not there.
        mutating func strike(_ ticket: MemberTicket) -> Bool {
            guard let index = roster.index(of: ticket.sequence) else { return false }
            roster.remove(ticket.sequence)
            memberSeats.remove(at: index)
            return true
        }

        /// Replaces a member by what it shows now; `false` when it is not there.
        mutating func update(_ member: ListedMember) -> Bool {
            guard let former = roster.member(member.sequence) else { return false }
            former.outdate()
            roster.replace(member)
            return true
        }

        /// Where the member with a code sits.
        func seat(of code: MemberCode) -> Seat? {
            // Direct messages are rare beside those to everybody, so members pay no bytes for an index by code.
            roster.members.firstIndex { $0.member.code == code }.map { memberSeats[$0] }
        }

        /// Posts a frame to everybody.
        func post(_ frame: SharedFrame?) {
            guard let frame else { return }
            for share in shares { share.audience.shard.post(.all(share.audience, frame)) }
        }

        /// Posts a change of the roster.
        func post(_ change: RosterChange) {
            for share in shares { share.audience.shard.post(.roster(share.audience, change)) }
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
    }
}
