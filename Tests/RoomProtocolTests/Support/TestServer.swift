import Channels
import RoomProtocol
import WebSocketCore

/// Rooms on two loops that turn when the test says so, at 9 February, 17:08:05.
struct TestServer {
    static let time = "02-09 17:08:05"

    let rooms: Rooms
    let engine = TroubledEngine()
    private let shards = [Shard { _ in }, Shard { _ in }]
    private let lobby: ChannelName

    init(_ options: RoomOptions = RoomOptions()) throws {
        rooms = Rooms(options: options, engine: engine) { CivilTime(secondsSince1970: 1_707_498_485) }
        lobby = try Self.room("lobby")
    }

    static func room(_ name: String) throws -> ChannelName {
        struct NoName: Error {}
        guard let name = ChannelName(Array(name.utf8)) else { throw NoName() }
        return name
    }

    /// A connection that has not joined.
    func connect(loop: Int = 0, room: ChannelName? = nil, from address: AddressBlock? = nil) -> Connection {
        Connection(rooms: rooms, room: room ?? lobby, shard: shards[loop], address: address)
    }

    /// The address of the room that connections come to unless they ask for another.
    var address: ChannelAddress { ChannelAddress(namespace: Rooms.namespace, name: lobby) }

    /// A connection that has joined, with its code; the pushes about it have been taken.
    func join(
        _ name: String, loop: Int = 0, resume: String? = nil, others: [Connection] = []
    ) throws -> (Connection, String) {
        struct NotWelcomed: Error {}
        let connection = connect(loop: loop)
        connection.send("type=add&ming=\(name)" + (resume.map { "&resume=\($0)" } ?? ""))
        drain()
        for other in others { _ = other.takeTexts() }
        guard let code = try connection.take().first?["code"] else { throw NotWelcomed() }
        return (connection, code)
    }

    func drain() {
        for shard in shards { shard.drain() }
    }
}
