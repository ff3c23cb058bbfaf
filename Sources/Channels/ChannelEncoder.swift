/// Turns what happens in a channel into the text of one wire protocol; the port that a wire protocol implements.
///
/// It is asked once per event, however many members read the answer. ``ChannelEvent/said(_:)`` and
/// ``ChannelEvent/direct(_:to:)`` are encoded outside the channel's lock, the rest inside it: an encoder must never call
/// into a channel. Any thread calls it.
public protocol ChannelEncoder: Sendable {
    /// The text message for `event`, as UTF-8.
    func text(for event: ChannelEvent) -> [UInt8]
}
