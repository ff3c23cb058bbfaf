import Channels
import WebSocketCore

/// How many members of each room come from one address, so that no address fills a room alone. Any thread.
final class RoomShares: Sendable {
    /// Members of one room that one address may have: nine in ten, rounded up; any number where that is all of them.
    private let maximum: Int
    private let counts = Lock<[ChannelName: [AddressBlock: Int]]>([:])

    /// - Parameter members: how many members a room has at most.
    init(of members: Int) { maximum = members < 10 ? .max : members - members / 10 }

    /// Counts one more member; `false` when the address has as many as it may have.
    func take(_ room: ChannelName, _ address: AddressBlock) -> Bool {
        counts.withLock { counts in
            let count = counts[room]?[address] ?? 0
            guard count < maximum else { return false }
            counts[room, default: [:]][address] = count + 1
            return true
        }
    }

    /// A member that was counted is none any more.
    func giveBack(_ room: ChannelName, _ address: AddressBlock) {
        counts.withLock { counts in
            guard let count = counts[room]?[address] else { return assertionFailure("a member was not counted") }
            counts[room]?[address] = count > 1 ? count - 1 : nil
            if counts[room]?.isEmpty == true { counts[room] = nil }
        }
    }
}
