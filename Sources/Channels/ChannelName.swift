/// The name of a channel: 1 to 164 bytes, compared as bytes.
///
/// Never compared as `String`: Swift takes two spellings of one character for equal, and two names that differ in their
/// bytes are two channels. Which bytes make sense is up to the wire protocol that hands the name in.
public struct ChannelName: Hashable, Sendable {
    /// The longest name, in bytes.
    public static let maximumBytes = 164

    /// The name as it was given.
    public let bytes: [UInt8]

    /// Wraps `bytes`; `nil` when there are none or more than ``maximumBytes``.
    public init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty, bytes.count <= Self.maximumBytes else { return nil }
        self.bytes = Array(bytes)
    }
}
