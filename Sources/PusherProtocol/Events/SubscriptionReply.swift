import Channels
import WebSocketCore

/// `pusher_internal:subscription_succeeded`: the first thing that a subscription gets, and what is told again when
/// something was lost (spec: pusher-protocol §5.1, delivery "The resume extension").
enum SubscriptionReply {
    static func frame(in channel: ChannelName, _ start: SubscriptionStart) -> SharedFrame {
        value(in: channel, start).frame
    }

    /// The message; and whether it had to be made. A list of members is written once for all who get the same snapshot.
    static func value(in channel: ChannelName, _ start: SubscriptionStart) -> (frame: SharedFrame, isNew: Bool) {
        guard let members = start.members else { return (make(in: channel, Self.noData, start.recovery), true) }
        let list = members.form.value {
            var data = JSONWriter()
            append(members, to: &data)
            return make(in: channel, data.bytes, .none)
        }
        if case .none = start.recovery { return list }
        // As the list's message, with more members behind.
        var writer = JSONWriter(frameCapacity: list.frame.payload.count + 256)
        writer.raw(list.frame.payload.dropLast())
        append(start.recovery, to: &writer)
        writer.raw("}")
        return (writer.frame(), true)
    }

    private static let noData = Array("{}".utf8)

    private static func make(
        in channel: ChannelName, _ data: [UInt8], _ recovery: SubscriptionStart.Recovery
    ) -> SharedFrame {
        var writer = JSONWriter(frameCapacity: data.count * 5 / 4 + channel.bytes.count + 256)
        writer.raw("{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":")
        writer.string(channel.bytes)
        writer.raw(",\"data\":")
        writer.string(data)
        append(recovery, to: &writer)
        writer.raw("}")
        return writer.frame()
    }

    private static func append(_ recovery: SubscriptionStart.Recovery, to writer: inout JSONWriter) {
        switch recovery {
        case .none: break
        case .recovered(let position):
            writer.position(position)
            writer.raw(",\"recovered\":true")
        case .lost(let gap, let position):
            writer.position(position)
            writer.raw(",\"recovered\":false,\"gap\":")
            if let gap { append(gap, to: &writer) } else { writer.raw("null") }
        }
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
