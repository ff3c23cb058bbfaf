import Channels
import NIOConcurrencyHelpers
import RoomProtocol
import WebSocketCore
import WebSocketNIO

/// The room on the server: its rooms, a shard for each event loop, and the route that leads there.
final class RoomService: Sendable {
    private let rooms: Rooms
    private let limits: ConnectionLimits
    private let originPolicy: NIOLockedValueBox<OriginPolicy>
    private let shards = LoopLocal { loop in
        Shard { shard in loop.execute { shard.drain() } }
    }

    init(options: RoomOptions, limits: ConnectionLimits, originPolicy: OriginPolicy) {
        rooms = Rooms(options: options, clock: { LocalClock.now() })
        self.limits = limits
        self.originPolicy = NIOLockedValueBox(originPolicy)
    }

    /// Sets whose pages may connect from now on.
    func setOriginPolicy(_ policy: OriginPolicy) { originPolicy.withLockedValue { $0 = policy } }

    /// The route for any path that nothing else claims (the tutorial's server never looks at the path).
    var route: WebSocketRoute {
        let handshake = ServerHandshake(subprotocols: ["chat"], originPolicy: originPolicy.withLockedValue { $0 })
        return WebSocketRoute(handshake: handshake, limits: limits) { [self] request in
            var query = String(request.query)
            let name = query.withUTF8 { RoomName.channel(inQuery: $0.span.bytes) }
            guard let name else { return RefusedSession(reason: "the room's name is too long or empty") }
            return RoomSession(RoomConversation(rooms: rooms, room: name, shard: shards.value(on: request.loop)))
        }
    }
}
