/// What the members of a channel are told, and its other subscribers as far as it goes to all.
public enum ChannelEvent: Sendable {
    /// To one member alone: you are in, under this code and profile, and these are the members in joining order,
    /// you included. Comes first after a join, and again when the member changed its profile.
    case welcomed(Member, roster: [Member])
    /// To everybody else: somebody joined.
    case joined(Member)
    /// To those who are still there: the member with this code left.
    case left(MemberCode)
    /// To everybody, the sender included.
    case said(Publication)
    /// To the sender and the one member with this code.
    case direct(Publication, to: MemberCode)
}
