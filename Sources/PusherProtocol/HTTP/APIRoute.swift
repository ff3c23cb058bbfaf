/// What a request to the HTTP API asks for, by its path (section 7).
enum APIRoute: Equatable {
    /// `POST /apps/{id}/events`
    case events
    /// `POST /apps/{id}/batch_events`
    case batchEvents
    /// `GET /apps/{id}/channels`
    case channels
    /// `GET /apps/{id}/channels/{name}`
    case channel([UInt8])
    /// `GET /apps/{id}/channels/{name}/users`
    case users([UInt8])
    /// `GET /apps/{id}/channels/{name}/history`
    case history([UInt8])
    /// `POST /apps/{id}/users/{user}/terminate_connections`
    case terminateConnections([UInt8])
    /// `GET /apps/{id}/connections`
    case connections

    /// The one method of the route.
    var method: String {
        switch self {
        case .events, .batchEvents, .terminateConnections: "POST"
        case .channels, .channel, .users, .history, .connections: "GET"
        }
    }

    /// The route of what stands behind the application's id and a `/`; `nil` when there is none.
    init?(_ path: Substring.UTF8View) {
        var rest: Substring.UTF8View? = path
        guard let first = Self.segment(&rest) else { return nil }
        let second = Self.segment(&rest)
        let third = Self.segment(&rest)
        guard rest == nil else { return nil }
        switch (second, third) {
        case (nil, nil):
            if Self.is(first, "events") {
                self = .events
            } else if Self.is(first, "batch_events") {
                self = .batchEvents
            } else if Self.is(first, "channels") {
                self = .channels
            } else if Self.is(first, "connections") {
                self = .connections
            } else {
                return nil
            }
        case (let name?, nil) where Self.is(first, "channels"):
            self = .channel(PercentEncoding.decode(name))
        case (let name?, let last?) where Self.is(first, "channels") && Self.is(last, "users"):
            self = .users(PercentEncoding.decode(name))
        case (let name?, let last?) where Self.is(first, "channels") && Self.is(last, "history"):
            self = .history(PercentEncoding.decode(name))
        case (let user?, let last?) where Self.is(first, "users") && Self.is(last, "terminate_connections"):
            self = .terminateConnections(PercentEncoding.decode(user))
        default: return nil
        }
    }

    /// Takes the first segment off; nothing is left behind the last one.
    private static func segment(_ rest: inout Substring.UTF8View?) -> Substring.UTF8View? {
        guard let path = rest else { return nil }
        guard let slash = path.firstIndex(of: UInt8(ascii: "/")) else {
            rest = nil
            return path
        }
        rest = path[path.index(after: slash)...]
        return path[..<slash]
    }

    private static func `is`(_ segment: Substring.UTF8View, _ word: StaticString) -> Bool {
        word.withUTF8Buffer { segment.elementsEqual($0) }
    }
}
