import Channels
import PusherProtocol
import WebSocketCore

/// An app's client whose messages go to a WebSocket connection.
final class PusherConversation: PusherConnection {
    var connection: WebSocketConnection?

    override var isWritable: Bool { connection?.isWritable ?? false }

    override var peer: String { connection?.peer ?? "" }

    override func deliver(_ frame: SharedFrame) { connection?.send(frame) }

    override func forgiveMessage() { connection?.forgiveMessage() }

    override func requireMessagesAsLife() { connection?.requireMessagesAsLife() }

    override func setReading(_ isReading: Bool) -> Bool {
        connection?.setReading(isReading)
        return connection != nil
    }

    override func dropRest() { connection?.dropRest() }

    override func close(code: UInt16, reason: String) { connection?.close(CloseCode(rawValue: code), reason: reason) }
}
