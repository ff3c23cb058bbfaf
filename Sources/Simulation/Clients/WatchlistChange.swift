import PusherProtocol

/// What a client is told of those whom it watches: `{"events":[{"name":"online","user_ids":[…]}]}`.
struct WatchlistChange {
    let isOnline: Bool
    let users: [[UInt8]]

    /// Reads it; `nil` when it is none.
    init?(_ data: [UInt8]) {
        let text = data.span.bytes
        guard let object = try? EnvelopeReader.read(text),
            let events = EnvelopeReader.member("events", of: object, in: text)
        else { return nil }
        var elements = JSONElements(of: events)
        guard let event = elements.next(in: text), elements.next(in: text) == nil,
            let name = EnvelopeReader.string("name", of: event, in: text),
            let list = EnvelopeReader.member("user_ids", of: event, in: text)
        else { return nil }
        switch String(decoding: name, as: UTF8.self) {
        case "online": isOnline = true
        case "offline": isOnline = false
        default: return nil
        }
        var users: [[UInt8]] = []
        var ids = JSONElements(of: list)
        while let id = ids.next(in: text) {
            guard let user = EnvelopeReader.string(id, in: text) else { return nil }
            users.append(user)
        }
        self.users = users
    }
}
