/// Who is present in a channel at one moment.
public struct PresenceSnapshot: Sendable {
    /// The users, each once, in the order in which they came.
    public let members: [Identity]
    /// Grows by 1 with each user that comes or goes: changes up to this one are in ``members``. A list that had to begin
    /// anew, because it was lost, begins above every version that was told before.
    public let version: UInt64
    /// What a wire protocol makes of the snapshot: once for all who get it.
    public let form = FrameOnce()

    /// Composes a snapshot.
    public init(members: [Identity], version: UInt64) {
        self.members = members
        self.version = version
    }
}
