import Channels
import WebSocketCore

/// Counts each room's members by address, so that no single address can fill a room. Any thread.
final class RoomShares: Sendable {
    /// Members of a room that one address may have: nine in ten, rounded up. Rooms of fewer than ten have no such limit.
    private let maximum: Int
    private let counts = Lock<[ChannelName: [AddressBlock: Int]]>([:])

    /// - Parameter members: the maximum number of members of a room.
    init(of members: Int) { maximum = members < 10 ? .max : members - members / 10 }

    /// Counts a member; returns `false` if its address has reached the limit.
    func take(_ room: ChannelName, _ address: AddressBlock) -> Bool {
        counts.withLock { counts in
            let count = counts[room]?[address] ?? 0
            guard count < maximum else { return false }
            counts[room, default: [:]][address] = count + 1
            return true
        }
    }

    /// Uncounts a member that ``take(_:_:)`` has counted.
    func giveBack(_ room: ChannelName, _ address: AddressBlock) {
        counts.withLock { counts in
            guard let count = counts[room]?[address] else { return assertionFailure("a member was not counted") }
            counts[room]?[address] = count > 1 ? count - 1 : nil
            if counts[room]?.isEmpty == true { counts[room] = nil }
        }
    }
}
