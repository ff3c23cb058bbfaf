import Channels
import WebSocketCore

/// `pusher_internal:subscription_succeeded`: the first thing that a subscription gets, and what is told again when
/// something was lost (spec: pusher-protocol §5.1, delivery "The resume extension").
enum SubscriptionReply {
    static func frame(in channel: ChannelName, _ start: SubscriptionStart) -> SharedFrame {
        var data = JSONWriter(capacity: 2)
        if let members = start.members { append(members, to: &data) } else { data.raw("{}") }
        var writer = JSONWriter(frameCapacity: data.bytes.count * 5 / 4 + channel.bytes.count + 256)
        writer.raw("{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":")
        writer.string(channel.bytes)
        writer.raw(",\"data\":")
        writer.string(data.bytes)
        switch start.recovery {
        case .none: break
        case .recovered(let position):
            writer.position(position)
            writer.raw(",\"recovered\":true")
        case .lost(let gap, let position):
            writer.position(position)
            writer.raw(",\"recovered\":false,\"gap\":")
            if let gap { append(gap, to: &writer) } else { writer.raw("null") }
        }
        writer.raw("}")
        return writer.frame()
    }

    private static func append(_ gap: Gap, to writer: inout JSONWriter) {
        writer.raw("{\"from\":")
        writer.number(gap.from)
        writer.raw(",\"to\":")
        writer.number(gap.to)
        writer.raw(",\"oldest\":")
        writer.number(gap.oldest)
        writer.raw("}")
    }

    /// Clients look users up by `hash`, so it is an object even without members.
    private static func append(_ snapshot: PresenceSnapshot, to data: inout JSONWriter) {
        data.raw("{\"presence\":{\"ids\":[")
        for (index, member) in snapshot.members.enumerated() {
            if index > 0 { data.raw(",") }
            data.string(member.id)
        }
        data.raw("],\"hash\":{")
        for (index, member) in snapshot.members.enumerated() {
            if index > 0 { data.raw(",") }
            data.string(member.id)
            data.raw(":")
            data.raw(PresenceDetails(member).info)
        }
        data.raw("},\"count\":")
        data.number(snapshot.members.count)
        data.raw("}}")
    }
}
