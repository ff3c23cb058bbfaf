import Channels
import PusherProtocol
import WebSocketCore

/// A Pusher client's connection, as the server has it.
final class PusherEnd: PusherConnection {
    /// The session keeps it as long as anything can be delivered.
    var connection: Unmanaged<WebSocketConnection>?

    override func deliver(_ frame: SharedFrame) { connection?._withUnsafeGuaranteedRef { $0.send(frame) } }

    override func close(code: UInt16, reason: String) {
        connection?._withUnsafeGuaranteedRef { $0.close(CloseCode(rawValue: code), reason: reason) }
    }
}
