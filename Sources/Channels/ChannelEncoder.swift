public import WebSocketCore

/// Turns what happens in a channel into the messages of one wire protocol; the port that a wire protocol implements.
///
/// It is asked once per event, and per publication at most twice (with and without its position), however many
/// subscribers read the answer, which all of them share. Unless said otherwise it is asked with a channel's lock held: an
/// encoder must never call into a channel. Any thread calls it.
public protocol ChannelEncoder: Sendable {
    /// The message for `event`; `nil` when the protocol has none for it, and nobody is told.
    func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame?

    /// What stands for a member in the rosters of welcomes; asked once when it joins and when it changes. By default
    /// nothing.
    func listing(of member: Member) -> [UInt8]

    /// The message for one member alone: you are in, under this code and profile, and these are the members in joining
    /// order, you included. Comes first after a join, and again when the member changed its profile. On the member's
    /// shard, without a lock. `nil`, which is the default, when the protocol has none.
    func welcome(_ member: ListedMember, _ roster: Roster, in channel: ChannelName) -> SharedFrame?

    /// The message for a publication.
    ///
    /// - Parameter position: `nil` for receivers that did not ask for positions, and for what is only relayed.
    func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame

    /// The message for a publication that was missed and is delivered now. By default the same as when it is new.
    func frame(forMissed publication: Publication, at position: Position, in channel: ChannelName) -> SharedFrame

    /// What a subscriber gets instead of a publication that leaves it out, so that its positions stay dense; `nil` for
    /// nothing.
    func frame(forPosition position: Position, in channel: ChannelName) -> SharedFrame?

    /// The message for data that goes to this node's subscribers as it is; text is UTF-8. By default the data as it is.
    ///
    /// - Parameter payload: valid during the call only.
    func frame(for kind: MessageKind, _ payload: RawSpan) -> SharedFrame
}

extension ChannelEncoder {
    /// Nothing.
    public func listing(of member: Member) -> [UInt8] { [] }

    /// Nothing.
    public func welcome(_ member: ListedMember, _ roster: Roster, in channel: ChannelName) -> SharedFrame? { nil }

    /// The same as when it is new.
    public func frame(
        forMissed publication: Publication, at position: Position, in channel: ChannelName
    ) -> SharedFrame { frame(for: publication, at: position, in: channel) }

    /// Nothing.
    public func frame(forPosition position: Position, in channel: ChannelName) -> SharedFrame? { nil }

    /// The data as it is: what a protocol without an envelope sends.
    public func frame(for kind: MessageKind, _ payload: RawSpan) -> SharedFrame {
        payload.withUnsafeBytes { SharedFrame(kind, $0) }
    }
}
