import Channels
import RoomProtocol
import WebSocketCore

/// A room member whose pushes go to a WebSocket connection.
final class RoomConversation: RoomMember {
    var connection: WebSocketConnection?

    override var isWritable: Bool { connection?.isWritable ?? false }

    override var peer: String { connection?.peer ?? "" }

    override func deliver(_ frame: SharedFrame) { connection?.send(frame) }

    override func setReading(_ isReading: Bool) -> Bool {
        connection?.setReading(isReading)
        return connection != nil
    }

    override func dropRest() { connection?.dropRest() }

    override func disconnect(_ code: UInt16, reason: String) {
        connection?.close(CloseCode(rawValue: code), reason: reason)
    }
}
