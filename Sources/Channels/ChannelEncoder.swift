public import WebSocketCore

/// Turns what happens in a channel into the messages of one wire protocol; the port that a wire protocol implements.
///
/// It is asked once per event or publication, however many subscribers read the answer, which all of them share. What
/// is said, directly or to all, and what is published is encoded outside the channel's lock, the rest inside it: an
/// encoder must never call into a channel. Any thread calls it.
public protocol ChannelEncoder: Sendable {
    /// The message for `event`; `nil` when the protocol has none for it, and nobody is told.
    func frame(for event: ChannelEvent) -> SharedFrame?

    /// The message for data that somebody who is no member has published; text is UTF-8. By default the data as it is.
    ///
    /// - Parameter payload: valid during the call only.
    func frame(for kind: MessageKind, _ payload: RawSpan) -> SharedFrame
}

extension ChannelEncoder {
    /// The data as it is: what a protocol without an envelope sends.
    public func frame(for kind: MessageKind, _ payload: RawSpan) -> SharedFrame {
        payload.withUnsafeBytes { SharedFrame(kind, $0) }
    }
}
