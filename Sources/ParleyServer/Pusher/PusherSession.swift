import PusherProtocol
import WebSocketCore

/// The session of an app's client: hands what happens on the connection to the conversation.
final class PusherSession: WebSocketSession {
    private let conversation: PusherConversation
    private let probation: PusherProbation?

    /// - Parameter probation: who watches that the client proves itself, where it has to.
    init(_ conversation: PusherConversation, _ probation: PusherProbation?) {
        self.conversation = conversation
        self.probation = probation
    }

    override func opened(_ connection: WebSocketConnection) {
        conversation.connection = connection
        conversation.opened()
        if conversation.deadline != nil { probation?.watch(conversation) }
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) { conversation.received(kind, payload) }

    override func becameWritable() { conversation.becameWritable() }

    override func messageRateExceeded() { conversation.messageRateExceeded() }

    override func serverStops() { conversation.drain() }

    override func closed(_ outcome: CloseOutcome) {
        conversation.closed()
        conversation.connection = nil
    }
}
