import WebSocketCore

/// What a channel's lock protects.
extension Channel {
    struct State: Sendable {
        struct Entry {
            var member: Member
            let seat: Seat
        }

        /// One shard's part of the members.
        struct Share {
            let audience: Audience
            var memberCount: Int
        }

        /// In joining order, which is the order of the seats' sequence numbers.
        private(set) var roster: [Entry] = []
        /// One for each shard that has members.
        private var shares: [Share] = []
        private var nextSequence: UInt64 = 0
        /// Set with the last leave. Nobody can join any more; the hub puts another channel in its place.
        private(set) var isGone = false

        var members: [Member] { roster.map(\.member) }

        /// Gives `member` its place at the roster's end.
        mutating func add(_ member: Member, with subscriber: Subscriber, on shard: Shard) -> Seat {
            let seat = Seat(
                code: member.code, sequence: nextSequence, audience: admit(to: shard), subscriber: subscriber)
            nextSequence += 1
            roster.append(Entry(member: member, seat: seat))
            return seat
        }

        /// Removes the member of `seat`; the last one makes the channel gone. `false` when it was not there.
        mutating func remove(_ seat: Seat) -> Bool {
            guard let index = index(of: seat) else { return false }
            roster.remove(at: index)
            isGone = roster.isEmpty
            seat.audience.shard.post(.exit(seat))
            if let index = shares.firstIndex(where: { $0.audience === seat.audience }) {
                shares[index].memberCount -= 1
                if shares[index].memberCount == 0 { shares.remove(at: index) }
            }
            return true
        }

        /// Replaces what the member of `seat` shows of itself; `nil` when it was not there.
        mutating func update(_ profile: Profile, of seat: Seat) -> Member? {
            guard let index = index(of: seat) else { return nil }
            roster[index].member.profile = profile
            return roster[index].member
        }

        func post(_ frame: SharedFrame, except exception: Seat? = nil) {
            for share in shares {
                share.audience.shard.post(.all(share.audience, except: exception, frame))
            }
        }

        /// The audience of one more member on `shard`.
        private mutating func admit(to shard: Shard) -> Audience {
            if let index = shares.firstIndex(where: { $0.audience.shard === shard }) {
                shares[index].memberCount += 1
                return shares[index].audience
            }
            let audience = Audience(shard: shard)
            shares.append(Share(audience: audience, memberCount: 1))
            return audience
        }

        private func index(of seat: Seat) -> Int? {
            var low = roster.startIndex
            var high = roster.endIndex
            while low < high {
                let middle = low + (high - low) / 2
                if roster[middle].seat.sequence < seat.sequence { low = middle + 1 } else { high = middle }
            }
            return low < roster.endIndex && roster[low].seat === seat ? low : nil
        }
    }
}
