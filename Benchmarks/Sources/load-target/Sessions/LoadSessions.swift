import WebSocketCore

/// Which session a path gets.
enum LoadSessions {
    static func make(path: Substring, on place: Place) -> WebSocketSession {
        let parts = path.split(separator: "/")
        if parts.first == "pusher" { return makePusher(parts.last, on: place) }
        switch parts.last {
        case "sub": return SubscriberSession(place)
        case "pub": return PublisherSession(place)
        case "control": return ControlSession()
        default: return parts.first == "member" ? MemberSession(place) : EchoSession()
        }
    }

    private static func makePusher(_ role: Substring?, on place: Place) -> WebSocketSession {
        switch role {
        case "pub": PusherPublisherSession()
        case "api": PusherBackEndSession()
        case "recover": PusherSubscriberSession(shard: place.shard, recovers: true)
        default: PusherSubscriberSession(shard: place.shard, recovers: false)
        }
    }
}
