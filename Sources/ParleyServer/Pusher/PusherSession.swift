import PusherProtocol
import WebSocketCore

/// The session of an app's client: hands what happens on the connection to the conversation.
final class PusherSession: WebSocketSession {
    private let conversation: PusherConversation
    private let probation: PusherProbation?
    private let namesClient: Bool

    /// - Parameters:
    ///   - probation: who watches that the client proves itself, where it has to.
    ///   - namesClient: whether the client is one that answers `pusher:ping`.
    init(_ conversation: PusherConversation, _ probation: PusherProbation?, namesClient: Bool) {
        self.conversation = conversation
        self.probation = probation
        self.namesClient = namesClient
    }

    override var peerName: String { conversation.name }

    override func opened(_ connection: WebSocketConnection) {
        conversation.connection = connection
        if namesClient { connection.requireMessagesAsLife() }
        conversation.opened()
        if conversation.deadline != nil { probation?.watch(conversation) }
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) { conversation.received(kind, payload) }

    override func becameWritable() { conversation.becameWritable() }

    override func rateExceeded() { conversation.rateExceeded() }

    override func peerIsSilent() { conversation.peerIsSilent() }

    override func serverStops() { conversation.drain() }

    override func closed(_ outcome: CloseOutcome) {
        conversation.closed()
        conversation.connection = nil
    }
}
