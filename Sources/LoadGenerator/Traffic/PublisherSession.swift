import WebSocketCore

/// Publishes: keeps a window of messages under way, and ignores what comes back.
final class PublisherSession: LoadSession {
    private var window = PublishWindow(capacity: 1, subscribers: 0)

    override var name: String { "publisher \(index)" }

    override var outstanding: Int { window.awaited }

    /// Messages that were published.
    var published: UInt64 { window.sent }

    /// Says how many subscribers there are; before ``start()``.
    func expect(subscribers: Int) {
        window = PublishWindow(capacity: loop.inFlight, subscribers: subscribers)
    }

    override func start() {
        loop.readClock()
        refill()
    }

    /// So many of its messages have arrived, or never will: sends what there is room for.
    func delivered(_ count: Int) {
        window.delivered(count)
        loop.readClock()
        refill()
    }

    /// A subscriber is gone, who would have got the message `next` next.
    func subscriberLeft(next: UInt64) {
        window.subscriberLeft(next: next)
        loop.readClock()
        refill()
    }

    private func refill() {
        guard let connection, loop.isSending else { return }
        for _ in 0..<window.room {
            let header = PayloadHeader(source: index, sequence: window.send(), sentAt: loop.now)
            loop.payload.send(header, on: connection)
        }
    }
}
