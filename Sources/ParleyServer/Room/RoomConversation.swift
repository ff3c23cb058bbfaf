import Channels
import RoomProtocol
import WebSocketCore

/// A room member whose pushes go to a WebSocket connection.
final class RoomConversation: RoomMember {
    var connection: WebSocketConnection?

    override func deliver(_ frame: SharedFrame) { connection?.send(frame) }
}
