import Channels
import WebSocketCore

/// A wire protocol without words, for tests of what is around it.
struct SilentEncoder: ChannelEncoder {
    func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? { nil }

    func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame {
        SharedFrame(text: "")
    }
}
