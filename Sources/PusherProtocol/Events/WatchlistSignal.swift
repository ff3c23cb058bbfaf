import Channels
import WebSocketCore

/// What watchers of a user are told inside this server: the channels where signed-in users are present have frames of
/// one byte, which no client ever gets.
enum WatchlistSignal {
    private static let online = UInt8(ascii: "+")
    private static let offline = UInt8(ascii: "-")

    /// Whether a channel is one of those.
    static func concerns(_ channel: ChannelName) -> Bool {
        channel.bytes.first == UInt8(ascii: "#") && channel.bytes.starts(with: PusherChannelNames.onlinePrefix)
    }

    static func frame(for event: ChannelEvent) -> SharedFrame? {
        switch event {
        case .memberAdded: SharedFrame(.binary, CollectionOfOne(online))
        case .memberRemoved: SharedFrame(.binary, CollectionOfOne(offline))
        case .members(let snapshot):
            SharedFrame(.binary, CollectionOfOne(snapshot.members.isEmpty ? offline : online))
        default: nil
        }
    }

    /// Whether the user is online now; `nil` for a frame that says nothing about that.
    static func isOnline(_ frame: SharedFrame) -> Bool? {
        switch frame.payload.first {
        case online: true
        case offline: false
        default: nil
        }
    }
}
