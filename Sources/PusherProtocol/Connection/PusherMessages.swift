import Channels
import WebSocketCore

/// The messages that no channel has for its subscribers: what a connection itself is told.
enum PusherMessages {
    /// The answer to a `pusher:ping`.
    static let pong = SharedFrame(text: #"{"event":"pusher:pong","data":"{}"}"#)

    /// Asks a client that has been silent whether it is there.
    static let ping = SharedFrame(text: #"{"event":"pusher:ping","data":"{}"}"#)

    /// The first message of a connection. Its data must be a string: stock clients parse it as JSON.
    static func established(_ socketID: ConnectionID, activityTimeout: Int) -> SharedFrame {
        var data = JSONWriter(capacity: 96)
        data.raw("{\"socket_id\":\"")
        data.raw(socketID.text)
        data.raw("\",\"activity_timeout\":")
        data.number(max(1, activityTimeout))
        data.raw("}")
        return message("pusher:connection_established", data)
    }

    /// An error; its data is an object, and the code may be missing.
    static func error(_ code: UInt16?, _ text: String) -> SharedFrame {
        var writer = JSONWriter(frameCapacity: text.utf8.count + 64)
        writer.raw("{\"event\":\"pusher:error\",\"data\":{\"code\":")
        if let code { writer.number(code) } else { writer.raw("null") }
        writer.raw(",\"message\":")
        writer.string(text)
        writer.raw("}}")
        return writer.frame()
    }

    /// A subscription that can not be. The name is the client's, whatever that was.
    static func subscriptionError(_ channel: [UInt8], _ problem: SubscriptionProblem) -> SharedFrame {
        var writer = JSONWriter(frameCapacity: channel.count + problem.text.utf8.count + 128)
        writer.raw("{\"event\":\"pusher:subscription_error\",\"channel\":")
        writer.string(channel)
        writer.raw(",\"data\":{\"type\":")
        writer.string(problem.type)
        writer.raw(",\"error\":")
        writer.string(problem.text)
        writer.raw(",\"status\":")
        writer.number(problem.status)
        writer.raw("}}")
        return writer.frame()
    }

    /// A cache channel has nothing to show.
    static func cacheMiss(_ channel: ChannelName) -> SharedFrame {
        var writer = JSONWriter(frameCapacity: channel.bytes.count + 64)
        writer.raw("{\"event\":\"pusher:cache_miss\",\"channel\":")
        writer.string(channel.bytes)
        // Clients parse the data of every event that they do not know.
        writer.raw(",\"data\":\"{}\"}")
        return writer.frame()
    }

    /// The connection is signed in; `userData` stays a string inside the data.
    static func signedIn(_ userData: [UInt8]) -> SharedFrame {
        var data = JSONWriter(capacity: userData.count * 5 / 4 + 32)
        data.raw("{\"user_data\":")
        data.string(userData)
        data.raw("}")
        return message("pusher:signin_success", data)
    }

    /// Users that are watched came online, or went. One event name for all: clients listen to no other.
    static func watchlist(isOnline: Bool, _ users: [[UInt8]]) -> SharedFrame {
        var data = JSONWriter(capacity: 64)
        data.raw("{\"events\":[{\"name\":")
        data.raw(isOnline ? "\"online\"" : "\"offline\"")
        data.raw(",\"user_ids\":[")
        for (index, user) in users.enumerated() {
            if index > 0 { data.raw(",") }
            data.string(user)
        }
        data.raw("]}]}")
        return message("pusher_internal:watchlist_events", data)
    }

    private static func message(_ event: StaticString, _ data: JSONWriter) -> SharedFrame {
        var writer = JSONWriter(frameCapacity: data.bytes.count * 5 / 4 + 64)
        writer.raw("{\"event\":\"")
        writer.raw(event)
        writer.raw("\",\"data\":")
        writer.string(data.bytes)
        writer.raw("}")
        return writer.frame()
    }
}
