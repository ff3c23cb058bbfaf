/// Why a channel refuses what a member asks of it. Nobody else hears of a refusal.
public struct ChannelError: Error, Hashable, Sendable {
    private enum Reason: Hashable, Sendable {
        case full
        case unknownMember
        case toOneself
    }

    private let reason: Reason

    /// The channel has as many members as it may have.
    public static let full = ChannelError(reason: .full)
    /// Nobody in the channel has the code that was named: it never existed, or that member has left.
    public static let unknownMember = ChannelError(reason: .unknownMember)
    /// A direct message names its own sender.
    public static let toOneself = ChannelError(reason: .toOneself)
}
