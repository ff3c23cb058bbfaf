/// The rule for the ids of users that sign in: they become parts of channel names.
public enum PusherUserID {
    /// The longest id, in bytes.
    public static let maximumBytes = 128

    /// Whether `id` is 1 to 128 bytes of `A-Z a-z 0-9 _ - = @ , . ;`.
    public static func isValid(_ id: some Collection<UInt8>) -> Bool {
        (1...maximumBytes).contains(id.count) && id.allSatisfy(PusherChannelKind.isAllowed)
    }
}
