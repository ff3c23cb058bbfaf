import WebSocketCore

/// What a channel's lock protects.
extension Channel {
    struct State: Sendable {
        struct Entry {
            var member: Member
            let seat: Seat
            let sequence: UInt64
        }

        /// One shard's part of the subscribers, members or not.
        struct Share {
            let audience: Audience
            var seatCount: Int
        }

        /// The members in joining order, which is the order of their sequence numbers.
        private(set) var roster: [Entry] = []
        /// One for each shard that has subscribers.
        private var shares: [Share] = []
        private var nextSequence: UInt64 = 0
        /// Set with the last leave. Nobody can come any more; the hub puts another channel in its place.
        private(set) var isGone = false

        var members: [Member] { roster.map(\.member) }
        var hasAnybody: Bool { !shares.isEmpty }
        /// Whether there is more than one subscriber.
        var hasOthers: Bool { shares.count > 1 || shares.contains { $0.seatCount > 1 } }

        /// Gives `subscriber` a seat in the audience of its shard; the delivery that puts it there is the caller's.
        mutating func admit(_ subscriber: Subscriber, on shard: Shard, to channel: Channel) -> Seat {
            if let index = shares.firstIndex(where: { $0.audience.shard === shard }) {
                shares[index].seatCount += 1
                return Seat(audience: shares[index].audience, subscriber: subscriber)
            }
            let audience = Audience(channel: channel, shard: shard)
            shares.append(Share(audience: audience, seatCount: 1))
            return Seat(audience: audience, subscriber: subscriber)
        }

        /// Takes a seat away; with the last one the channel is gone.
        mutating func dismiss(_ seat: Seat) {
            guard let index = shares.firstIndex(where: { $0.audience === seat.audience }) else { return }
            shares[index].seatCount -= 1
            if shares[index].seatCount == 0 { shares.remove(at: index) }
            isGone = shares.isEmpty
            seat.shard.post(.exit(seat))
        }

        /// Gives `member` its place at the roster's end.
        mutating func enroll(_ member: Member, at seat: Seat) -> MemberTicket {
            let ticket = MemberTicket(code: member.code, sequence: nextSequence)
            nextSequence += 1
            roster.append(Entry(member: member, seat: seat, sequence: ticket.sequence))
            return ticket
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

        func post(_ frame: SharedFrame?, except exception: Seat? = nil) {
            guard let frame else { return }
            for share in shares {
                share.audience.shard.post(.all(share.audience, except: exception, frame))
            }
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
