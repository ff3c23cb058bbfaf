import PusherProtocol

/// Reads who is present from the data of a reply.
enum PresenceBook {
    /// The ids in `{"presence":{"ids":[…],"hash":{…},"count":N}}`; `nil` when the data say nothing of members, or
    /// contradict themselves.
    static func members(in data: [UInt8]) -> Set<[UInt8]>? {
        let text = data.span.bytes
        guard let object = try? EnvelopeReader.read(text),
            let presence = EnvelopeReader.member("presence", of: object, in: text),
            let hash = EnvelopeReader.member("hash", of: presence, in: text), hash.kind == .object,
            let count = EnvelopeReader.member("count", of: presence, in: text)
        else { return nil }
        var members: Set<[UInt8]> = []
        var each = JSONMembers(of: hash)
        while let member = each.next(in: text) {
            if let id = EnvelopeReader.string(member.name, in: text) { members.insert(id) }
        }
        return EnvelopeReader.wholeNumber(count, in: text) == UInt64(members.count) ? members : nil
    }
}
