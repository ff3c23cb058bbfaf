import Synchronization

/// A member in a roster, with what the wire protocol lists it as; made once and shared by all rosters.
public final class ListedMember: Sendable {
    /// The member.
    public let member: Member
    /// How ``ChannelEncoder/listing(of:)`` has written it.
    public let listing: [UInt8]
    /// Grows with every join of the channel, so rosters are sorted by it; a change of the profile keeps it.
    let sequence: UInt64
    private let outdated = Atomic(false)

    /// Composes an entry.
    ///
    /// - Parameter sequence: higher than that of every member before it.
    public init(_ member: Member, listing: [UInt8], sequence: UInt64) {
        self.member = member
        self.listing = listing
        self.sequence = sequence
    }

    /// Whether the member has not changed again since: it is told the roster for its last change only.
    var isCurrent: Bool { !outdated.load(ordering: .relaxed) }

    /// The member has changed again.
    func outdate() { outdated.store(true, ordering: .relaxed) }
}

/// The members of a channel in joining order.
public struct Roster: Sendable {
    /// The members, in the order of their sequence numbers.
    public private(set) var members: [ListedMember] = []
    /// Bytes of all their listings.
    public private(set) var listingBytes = 0

    /// An empty roster.
    public init() {}

    /// Puts a member at the end.
    public mutating func append(_ member: ListedMember) {
        members.append(member)
        listingBytes += member.listing.count
    }

    /// Removes the member with a sequence number, if it is there.
    mutating func remove(_ sequence: UInt64) {
        guard let index = index(of: sequence) else { return }
        listingBytes -= members.remove(at: index).listing.count
    }

    /// Puts a member that has changed in its place.
    mutating func replace(_ member: ListedMember) {
        guard let index = index(of: member.sequence) else { return }
        listingBytes += member.listing.count - members[index].listing.count
        members[index] = member
    }

    /// The member with a sequence number.
    func member(_ sequence: UInt64) -> ListedMember? { index(of: sequence).map { members[$0] } }

    /// The place of a sequence number, found by halves.
    func index(of sequence: UInt64) -> Int? {
        var low = members.startIndex
        var high = members.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if members[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < members.endIndex && members[low].sequence == sequence ? low : nil
    }
}
