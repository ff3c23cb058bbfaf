public import Channels
import Synchronization
public import WebSocketCore

/// What happens in a channel, as messages of the Pusher protocol: JSON objects with `event`, `channel` and `data`, where
/// `data` is a string that has JSON in it (spec: pusher-protocol §2).
public final class PusherEncoder: ChannelEncoder {
    private let publications = Atomic(0)

    /// An encoder that has encoded nothing yet.
    public init() {}

    /// How often a publication has been encoded: at most twice each, with and without its position, and once more on each
    /// shard where it is replayed, however many readers get it at that time.
    public var encodedCount: Int { publications.load(ordering: .relaxed) }

    /// The message for `event`; `nil` for what this protocol does not know.
    public func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? {
        if WatchlistSignal.concerns(channel) { return WatchlistSignal.frame(for: event, in: channel) }
        switch event {
        case .joined, .left: return nil
        case .memberAdded(let identity):
            return Self.message("pusher_internal:member_added", in: channel) { data in
                let details = PresenceDetails(identity)
                data.raw("{\"user_id\":")
                details.append(id: identity.id, to: &data)
                data.raw(",\"user_info\":")
                data.raw(details.info)
                data.raw("}")
            }
        case .memberRemoved(let identity):
            return Self.message("pusher_internal:member_removed", in: channel) { data in
                data.raw("{\"user_id\":")
                PresenceDetails(identity).append(id: identity.id, to: &data)
                data.raw("}")
            }
        case .members(let members):
            return SubscriptionReply.frame(in: channel, SubscriptionStart(members: members))
        case .subscriptionCount(let count):
            guard let kind = PusherChannelKind(channel), !kind.isPresence, kind.access != .user else { return nil }
            return Self.message("pusher_internal:subscription_count", in: channel) { data in
                data.raw("{\"subscription_count\":")
                data.number(count)
                data.raw("}")
            }
        case .lost(let gap, let position):
            return SubscriptionReply.frame(in: channel, SubscriptionStart(recovery: .lost(gap, position)))
        }
    }

    /// The message for a publication: `user_id` names its sender, `epoch` and `offset` are its position.
    public func frame(
        for publication: Publication, at position: Position?, in channel: ChannelName
    ) -> SharedFrame {
        publications.add(1, ordering: .relaxed)
        // Room for the names of all members, and for some of the data's bytes to be escaped.
        var writer = JSONWriter(
            frameCapacity: publication.event.count + channel.bytes.count + publication.data.count * 9 / 8 + 160)
        writer.raw("{")
        PusherEvent.append(publication, in: channel, to: &writer)
        if let sender = publication.sender {
            writer.raw(",\"user_id\":")
            writer.string(sender)
        }
        if let position { writer.position(position) }
        writer.raw("}")
        return writer.frame()
    }

    /// `parley:position`, for a subscription that is left out.
    public func frame(forPosition position: Position, in channel: ChannelName) -> SharedFrame? {
        var writer = JSONWriter(frameCapacity: channel.bytes.count + 96)
        writer.raw("{\"event\":\"parley:position\",\"channel\":")
        writer.string(channel.bytes)
        writer.position(position)
        writer.raw("}")
        return writer.frame()
    }

    /// A message whose data is a string that has JSON in it.
    static func message(
        _ event: StaticString, in channel: ChannelName, _ data: (inout JSONWriter) -> Void
    ) -> SharedFrame {
        var inner = JSONWriter(capacity: 128)
        data(&inner)
        var writer = JSONWriter(frameCapacity: inner.bytes.count * 5 / 4 + channel.bytes.count + 96)
        writer.raw("{\"event\":\"")
        writer.raw(event)
        writer.raw("\",\"channel\":")
        writer.string(channel.bytes)
        writer.raw(",\"data\":")
        writer.string(inner.bytes)
        writer.raw("}")
        return writer.frame()
    }
}

extension JSONWriter {
    /// Appends the members `epoch` and `offset` after others.
    mutating func position(_ position: Position) {
        raw(",\"epoch\":\"")
        append { position.epoch.append(to: &$0) }
        raw("\",\"offset\":")
        number(position.offset)
    }
}
