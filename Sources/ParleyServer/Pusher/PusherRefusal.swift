import PusherProtocol
import WebSocketCore

/// The session of a client that can not be served: it is told why, in the two ways that clients read, and closed.
final class PusherRefusal: WebSocketSession {
    private let code: UInt16
    private let message: String

    init(code: UInt16, message: String) {
        self.code = code
        self.message = message
    }

    override func opened(_ connection: WebSocketConnection) {
        connection.send(PusherHandshake.error(code: code, message: message))
        connection.close(CloseCode(rawValue: code), reason: message)
    }
}
