import Channels

/// A channel that a request names: checked by the rule that subscribing has too (row 115 of the catalogue), compared as
/// bytes.
struct APIChannel: Hashable, Sendable {
    /// What is told of a name that is none.
    static let rule = """
        A channel name has 1 to \(ChannelName.maximumBytes) of these: A-Z a-z 0-9 _ - = @ , . ; and of the names with # \
        there is #server-to-user- with a user id only.
        """

    let name: ChannelName
    let kind: PusherChannelKind

    /// The channel of that name; `nil` when there is no such channel.
    init?(_ bytes: [UInt8]) {
        guard let name = ChannelName(bytes), let kind = PusherChannelKind(name) else { return nil }
        self.name = name
        self.kind = kind
    }
}
