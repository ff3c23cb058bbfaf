/// What tells a member's entry in the roster.
///
/// Not in the ``Seat``, because most seats are those of subscribers that are no members.
struct MemberTicket: Sendable {
    let code: MemberCode
    /// Grows with every join of the channel, so rosters are sorted by it.
    let sequence: UInt64
}
