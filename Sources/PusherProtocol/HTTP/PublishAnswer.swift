import Channels

/// What a publish is answered, once it is kept: a function of the request, the positions and the counts it asked for.
struct PublishAnswer: Sendable {
    /// What was published, with what the answer is to tell of it.
    let events: [APIEvent]
    /// Whether the request was a batch.
    let isBatch: Bool

    /// The channels whose counts were asked for.
    var counted: Set<ChannelName> {
        var names = Set<ChannelName>()
        for event in events where !event.attributes.isDisjoint(with: .counts) {
            for channel in event.channels { names.insert(channel.name) }
        }
        return names
    }

    /// The answer.
    ///
    /// - Parameters:
    ///   - positions: one for each channel of each event, in order.
    ///   - occupancies: of ``counted``, as far as they could be read.
    func response(_ positions: [Position], _ occupancies: [ChannelName: Occupancy]) -> PusherAPIResponse {
        guard events.contains(where: { !$0.attributes.isEmpty }) else { return .done }
        var json = JSONWriter(capacity: 256)
        var positions = positions[...]
        json.raw(isBatch ? #"{"batch":["# : #"{"channels":{"#)
        for (index, event) in events.enumerated() {
            if index > 0 { json.raw(",") }
            for (index, channel) in event.channels.enumerated() {
                let position = positions.popFirst()
                if index > 0 { json.raw(",") }
                if !isBatch {
                    json.string(channel.name.bytes)
                    json.raw(":")
                }
                var object = AttributeWriter()
                object.append(event.attributes, of: channel, occupancies[channel.name])
                if event.attributes.contains(.position), let position { object.append(position) }
                json.raw(object.finish())
            }
        }
        json.raw(isBatch ? "]}" : "}}")
        return PusherAPIResponse(json: json)
    }
}
