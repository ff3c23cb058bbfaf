import WebSocketCore

/// Keeps messages under way and expects each of them back, in order and unchanged.
final class EchoSession: LoadSession {
    private var sent: UInt64 = 0
    private var order = SequenceCheck()

    override var outstanding: Int { connection == nil ? 0 : Int(sent - order.expected) }

    override var isAwaiting: Bool { sent > order.expected }

    override func start() { fill() }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        loop.reads(self)
        let check = loop.payload.check(kind, payload)
        guard case .intact(let header) = check else {
            return loop.faults.add { "\(name): \(check.fault)" }
        }
        guard header.source == index, header.sequence < sent else {
            return loop.faults.add { "\(name): the message of connection \(header.source) came" }
        }
        let due = order.expected
        switch order.accept(header.sequence) {
        case .next: break
        case .gap(let missing):
            loop.faults.add(gap: missing) { "\(name): echo \(header.sequence) came instead of \(due): order or loss" }
        case .late:
            return loop.faults.add { "\(name): echo \(header.sequence) came again or late, \(due) was due" }
        }
        loop.counts(header.sentAt)
        if loop.isSending { fill() } else { loop.answered() }
    }

    /// Only an echo that was due makes room: a server that answers twice does not get twice the messages.
    private func fill() {
        guard let connection else { return }
        while sent - order.expected < UInt64(loop.inFlight) {
            loop.payload.send(PayloadHeader(source: index, sequence: sent, sentAt: loop.now), on: connection)
            sent &+= 1
        }
    }
}
