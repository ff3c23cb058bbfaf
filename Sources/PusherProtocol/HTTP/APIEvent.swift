import Channels

/// One event of a publish, as the body has it (section 7).
struct APIEvent: Sendable {
    /// What the event is called, UTF-8.
    var name: [UInt8]
    /// The string `data`.
    var data: PusherEvent.Payload
    /// Where it goes, each channel once.
    var channels: [APIChannel]
    /// The connection that is left out.
    var excluded: ConnectionID?
    /// What the answer is to tell.
    var attributes: APIAttributes

    /// Reads the event of a request that has a single one: `channels` or `channel`.
    init(_ value: JSONValue, in text: RawSpan, _ limits: PusherLimits) throws(PusherAPIError) {
        try self.init(value, in: text, limits, channels: Self.channels(of: value, in: text, limits))
    }

    /// Reads one event of a batch: `channel`.
    init(inBatch value: JSONValue, in text: RawSpan, _ limits: PusherLimits) throws(PusherAPIError) {
        guard value.kind == .object else {
            throw .invalid("An event has to be an object with name, channel and data.")
        }
        guard let channel = Self.member("channel", of: value, in: text) else {
            throw .invalid("channel is missing: an event of a batch has exactly one.")
        }
        try self.init(value, in: text, limits, channels: [Self.channel(channel, in: text, place: "channel")])
    }

    private init(
        _ value: JSONValue, in text: RawSpan, _ limits: PusherLimits, channels: [APIChannel]
    ) throws(PusherAPIError) {
        name = try Self.name(of: value, in: text, limits)
        data = try Self.data(of: value, in: text, limits)
        self.channels = channels
        excluded = try Self.excluded(of: value, in: text)
        attributes = []
        if let info = Self.member("info", of: value, in: text) {
            guard let list = EnvelopeReader.string(info, in: text) else {
                throw .invalid("info has to be a string, as in \"subscription_count,position\".")
            }
            attributes = try APIAttributes(list, allowed: .ofPublish)
        }
    }

    /// A member that is there and not `null`.
    private static func member(_ name: StaticString, of value: JSONValue, in text: RawSpan) -> JSONValue? {
        guard let member = EnvelopeReader.member(name, of: value, in: text), member.kind != .null else { return nil }
        return member
    }

    private static func name(
        of value: JSONValue, in text: RawSpan, _ limits: PusherLimits
    ) throws(PusherAPIError) -> [UInt8] {
        guard let member = member("name", of: value, in: text), let name = EnvelopeReader.string(member, in: text)
        else { throw .invalid("name has to be there, as a string of whole characters: what the event is called.") }
        guard PusherEventName.isValid(name, limits) else {
            throw .invalid("name has to have 1 to \(limits.eventNameBytes) bytes, without control characters.")
        }
        // Row 124 of the catalogue: what the server says itself can not be said in its name.
        guard !PusherEventName.isReserved(name) else {
            throw .invalid("Names that begin with pusher:, pusher_internal: or parley: are the server's. Take another.")
        }
        return name
    }

    private static func data(
        of value: JSONValue, in text: RawSpan, _ limits: PusherLimits
    ) throws(PusherAPIError) -> PusherEvent.Payload {
        guard let member = member("data", of: value, in: text), member.kind == .string else {
            throw .invalid("data has to be there, as a string. Encode anything else as JSON, into a string.")
        }
        let data = PusherEvent.Payload(member, in: text)
        guard data.count <= limits.eventDataBytes else {
            throw .tooLarge("data may have \(limits.eventDataBytes) bytes at most. Send less, or where to get it.")
        }
        return data
    }

    private static func channels(
        of value: JSONValue, in text: RawSpan, _ limits: PusherLimits
    ) throws(PusherAPIError) -> [APIChannel] {
        guard value.kind == .object else {
            throw .invalid("The body has to be an object with name, channels (or channel) and data.")
        }
        let single = member("channel", of: value, in: text)
        guard let list = member("channels", of: value, in: text) else {
            guard let single else { throw .invalid("channels is missing: name the channels, as an array of strings.") }
            return [try channel(single, in: text, place: "channel")]
        }
        guard single == nil else { throw .invalid("There are channel and channels. Send one of them.") }
        guard list.kind == .array else { throw .invalid("channels has to be an array of strings.") }
        var channels: [APIChannel] = []
        var elements = JSONElements(of: list)
        var count = 0
        while let element = elements.next(in: text) {
            guard count < limits.channelsPerTrigger else {
                throw .invalid(
                    "channels may name \(limits.channelsPerTrigger) at most. Split it into several requests.")
            }
            channels.append(try channel(element, in: text, place: "channels[\(count)]"))
            count += 1
        }
        guard !channels.isEmpty else { throw .invalid("channels is empty: name at least one.") }
        if channels.count == 1 { return channels }
        // The key of an encrypted channel is made of its name, so that what is said in one means nothing in another.
        guard !channels.contains(where: { $0.kind.isEncrypted }) else {
            throw .invalid("An event for an encrypted channel can go to that channel only. Send one for each channel.")
        }
        var seen = Set<ChannelName>()
        return channels.filter { seen.insert($0.name).inserted }
    }

    private static func channel(
        _ value: JSONValue, in text: RawSpan, place: String
    ) throws(PusherAPIError) -> APIChannel {
        guard let name = EnvelopeReader.string(value, in: text) else {
            throw .invalid("\(place) has to be a string of whole characters: the name of a channel.")
        }
        guard let channel = APIChannel(name) else {
            throw .invalid("\(place) is no channel's name. \(APIChannel.rule)")
        }
        return channel
    }

    private static func excluded(of value: JSONValue, in text: RawSpan) throws(PusherAPIError) -> ConnectionID? {
        guard let member = member("socket_id", of: value, in: text) else { return nil }
        guard let id = EnvelopeReader.string(member, in: text), isSocketID(id) else {
            throw .invalid("socket_id has to be a string of two numbers with a dot between them, as the client has it.")
        }
        // One that no connection of this server can have leaves out nobody.
        return ConnectionID(id)
    }

    /// `^\d+\.\d+$`, which is what libraries check as well.
    private static func isSocketID(_ id: [UInt8]) -> Bool {
        let parts = id.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { 0x30...0x39 ~= $0 } }
    }
}

extension APIAttributes {
    /// What the answer of a publish can tell.
    static let ofPublish: APIAttributes = [.subscriptionCount, .userCount, .position]
}
