import Channels

/// Writes an object whose members are what was asked of a channel.
struct AttributeWriter {
    private var json = JSONWriter(capacity: 64)
    private var isEmpty = true

    init() { json.raw("{") }

    /// Appends a member; what is written next with `json` is its value.
    mutating func member(_ name: StaticString, _ value: (inout JSONWriter) -> Void) {
        json.raw(isEmpty ? "\"" : ",\"")
        isEmpty = false
        json.raw(name)
        json.raw("\":")
        value(&json)
    }

    /// Appends the counts that were asked for and that the channel has.
    mutating func append(_ attributes: APIAttributes, of channel: APIChannel, _ occupancy: Occupancy?) {
        guard let occupancy else { return }
        if attributes.contains(.userCount), channel.kind.isPresence {
            member("user_count") { $0.number(occupancy.users) }
        }
        if attributes.contains(.subscriptionCount) {
            member("subscription_count") { $0.number(occupancy.subscriptions) }
        }
    }

    /// Appends where something is kept.
    mutating func append(_ position: Position) {
        member("position") { json in
            json.raw(#"{"epoch":"#)
            json.string(position.epoch.text)
            json.raw(#","offset":"#)
            json.number(position.offset)
            json.raw("}")
        }
    }

    /// The object.
    consuming func finish() -> [UInt8] {
        json.raw("}")
        return json.bytes
    }
}
