import WebSocketCore

/// Which session a path gets.
enum LoadSessions {
    static func make(path: Substring, on place: Place) -> WebSocketSession {
        let parts = path.split(separator: "/")
        switch parts.last {
        case "sub": return SubscriberSession(place)
        case "pub": return PublisherSession(place)
        case "control": return ControlSession()
        default: return parts.first == "member" ? MemberSession(place) : EchoSession()
        }
    }
}
