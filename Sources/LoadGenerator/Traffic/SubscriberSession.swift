import WebSocketCore

/// Expects the messages of every publisher, each sender's in order and unchanged.
final class SubscriberSession: LoadSession {
    private var orders: [SequenceCheck]

    init(_ loop: LoadLoop, index: Int, publishers: Int) {
        orders = [SequenceCheck](repeating: SequenceCheck(), count: publishers)
        super.init(loop, index: index)
    }

    override var name: String { "subscriber \(index)" }

    /// The number of the message of this publisher that is due next.
    func expected(of publisher: Int) -> UInt64 { orders[publisher].expected }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        loop.reads(self)
        let check = loop.payload.check(kind, payload)
        guard case .intact(let header) = check else {
            return loop.faults.add { "\(name): \(check.fault)" }
        }
        guard header.source < orders.count else {
            return loop.faults.add { "\(name): \(PayloadCheck.foreign.fault)" }
        }
        let publisher = header.source
        let due = orders[publisher].expected
        switch orders[publisher].accept(header.sequence) {
        case .next: break
        case .gap(let missing):
            loop.faults.add(gap: missing) {
                "\(name): message \(header.sequence) of publisher \(publisher) came instead of \(due): order or loss"
            }
            // What was skipped is not awaited any more, or the window would stand still.
            loop.delivered(Int(clamping: missing), of: publisher)
        case .late:
            return loop.faults.add {
                "\(name): message \(header.sequence) of publisher \(publisher) came again or late, \(due) was due"
            }
        }
        loop.delivered(1, of: publisher)
        loop.counts(header.sentAt)
    }
}
