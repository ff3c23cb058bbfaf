import Channels
import WebSocketCore

/// What watchers of a user are told: the frames of the channels where signed-in users are present are the messages that
/// the watchers' clients get, made once for all of them.
enum WatchlistSignal {
    /// Where the messages say which of the two it is: the first byte in which they differ.
    private static let place: Int = {
        let messages = (PusherMessages.watchlist(isOnline: true, []), PusherMessages.watchlist(isOnline: false, []))
        return zip(messages.0.payload, messages.1.payload).prefix { $0 == $1 }.count
    }()
    private static let online = UInt8(ascii: "n")
    private static let offline = UInt8(ascii: "f")

    /// Whether a channel is one of those.
    static func concerns(_ channel: ChannelName) -> Bool {
        channel.bytes.first == UInt8(ascii: "#") && channel.bytes.starts(with: PusherChannelNames.onlinePrefix)
    }

    static func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? {
        switch event {
        case .memberAdded: frame(isOnline: true, channel)
        case .memberRemoved: frame(isOnline: false, channel)
        case .members(let snapshot): frame(isOnline: !snapshot.members.isEmpty, channel)
        default: nil
        }
    }

    private static func frame(isOnline: Bool, _ channel: ChannelName) -> SharedFrame {
        PusherMessages.watchlist(
            isOnline: isOnline, [Array(channel.bytes.dropFirst(PusherChannelNames.onlinePrefix.count))])
    }

    /// Whether the user is online now; `nil` for a frame that says nothing about that.
    static func isOnline(_ frame: SharedFrame) -> Bool? {
        switch frame.payload.dropFirst(place).first {
        case online: true
        case offline: false
        default: nil
        }
    }
}
