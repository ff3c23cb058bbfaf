import RoomProtocol
import WebSocketCore

/// The session of a connection to the room: hands its messages to the conversation, and closes on what is no text.
final class RoomSession: WebSocketSession {
    private let conversation: RoomConversation
    private var connection: WebSocketConnection?

    init(_ conversation: RoomConversation) { self.conversation = conversation }

    override func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        conversation.connection = connection
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        guard kind == .text else {
            connection?.close(
                CloseCode(rawValue: RoomMember.closeCodeForBinary), reason: "the room speaks text only")
            return
        }
        conversation.received(text: payload)
    }

    override func becameWritable() { conversation.becameWritable() }

    override func rateExceeded() { conversation.exceededMessageRate() }

    override func closed(_ outcome: CloseOutcome) {
        conversation.closed()
        conversation.connection = nil
        connection = nil
    }
}
