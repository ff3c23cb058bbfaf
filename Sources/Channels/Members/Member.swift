/// A member of a channel, as the others see it.
public struct Member: Hashable, Sendable {
    /// What addresses it; stays the same from joining to leaving.
    public let code: MemberCode
    /// What it shows of itself; it may change.
    public var profile: Profile

    /// Composes a member.
    public init(code: MemberCode, profile: Profile) {
        self.code = code
        self.profile = profile
    }
}
