import Channels
import PusherProtocol
import WebSocketCore

/// The one app and the one channel that Pusher connections of the load target have to do with.
enum PusherPlace {
    static let channel = "news"
    /// What `/pusher/pub` publishes is an event of this name.
    static let event = Array("news".utf8)

    static let node: PusherNode = {
        var app = PusherApp(id: "1", name: "load", keys: [PusherKey(key: "load", secret: "load")])
        app.limits.activityTimeout = 600
        app.limits.requestsPerSecond = 1_000_000
        let clock = MemoryStore.systemClock()
        return PusherNode(apps: [app], engine: MemoryEngine(), clock: clock, wallClock: { 0 })
    }()

    static let runtime: PusherAppRuntime = {
        guard let runtime = node.runtime(key: "load") else { preconditionFailure("The app is not there.") }
        return runtime
    }()

    static let api = PusherAPI(node: node)

    private static let channelName: ChannelName = {
        guard let name = ChannelName(channel.utf8) else { preconditionFailure("The channel's name is no name.") }
        return name
    }()

    /// Publishes as a back end does, past the HTTP API.
    static func publish(_ payload: RawSpan) {
        let publication = Publication(event: event, data: payload.withUnsafeBytes { Array($0) })
        let entry = PublishRequest.Entry(
            channel: channelName, publication: publication, retention: runtime.app.retention)
        runtime.hub.publish([entry]) { _ in }
    }
}
