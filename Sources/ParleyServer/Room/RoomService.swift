import Channels
import NIOConcurrencyHelpers
import RoomProtocol
import WebSocketCore
import WebSocketNIO

/// The room on the server: its rooms, and the route that leads there.
final class RoomService: Sendable {
    private let rooms: Rooms
    private let shards: Shards
    private let limits: ConnectionLimits
    private let originPolicy: NIOLockedValueBox<OriginPolicy>

    init(rooms: Rooms, shards: Shards, limits: ConnectionLimits, originPolicy: OriginPolicy) {
        self.rooms = rooms
        self.shards = shards
        self.limits = limits
        self.originPolicy = NIOLockedValueBox(originPolicy)
    }

    /// Sets whose pages may connect from now on.
    func setOriginPolicy(_ policy: OriginPolicy) { originPolicy.withLockedValue { $0 = policy } }

    /// Does what is due about once a second. Any thread.
    func tick() { rooms.tick() }

    /// The route for any path that nothing else claims (the tutorial's server never looks at the path).
    var route: WebSocketRoute {
        let handshake = ServerHandshake(subprotocols: ["chat"], originPolicy: originPolicy.withLockedValue { $0 })
        return WebSocketRoute(handshake: handshake, limits: limits) { [self] request in
            var query = String(request.query)
            let name = query.withUTF8 { RoomName.channel(inQuery: $0.span.bytes) }
            guard let name else {
                return RefusedSession(reason: "the room's name is too long, invisible or turns text")
            }
            return RoomSession(
                RoomConversation(
                    rooms: rooms, room: name, shard: shards.shard(of: request.loop), address: request.countedAddress))
        }
    }
}
