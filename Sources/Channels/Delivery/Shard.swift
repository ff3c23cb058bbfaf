import WebSocketCore

/// The share of all channels that one event-loop thread serves: its mailbox, which any thread fills and it empties.
///
/// Channels post under their lock, so what happens in a channel arrives on every shard in the same order. There is no
/// short way around the mailbox for a sender on the same thread, because it would overtake what is waiting.
public final class Shard: Sendable {
    private struct Mailbox: Sendable {
        var waiting: [Delivery] = []
        /// The emptied list of the drain before, kept so that a steady flow allocates nothing.
        var spare: [Delivery] = []
    }

    /// A list of this size (24 KiB) is always kept.
    private static let alwaysKept = 1024
    /// A larger one is kept while bursts use at least a quarter of it, and never one above this size (1.5 MiB).
    private static let keptAtMost = 65_536

    private let mailbox = Lock(Mailbox())
    private let wake: @Sendable (Shard) -> Void

    /// Creates the shard of one event-loop thread.
    ///
    /// - Parameter wake: makes the loop call ``drain()`` soon, on its own thread; called on any thread, once for all
    ///   deliveries until that drain. It must only schedule: a channel's lock is held while it runs.
    public init(wake: @escaping @Sendable (Shard) -> Void) { self.wake = wake }

    /// Hands everything that is waiting to the subscribers. On the loop's thread, never from inside a delivery.
    ///
    /// What is posted meanwhile stays for the next drain, which has been scheduled then.
    public func drain() {
        var batch = mailbox.withLock { mailbox in
            let waiting = mailbox.waiting
            mailbox.waiting = mailbox.spare
            mailbox.spare = []
            return waiting
        }
        if PlantedBug.isOn(.swapDeliveries), batch.count > 1 { batch.swapAt(batch.count - 2, batch.count - 1) }
        for delivery in batch {
            switch delivery {
            case .all(let audience, let exception, let frame): audience.deliver(frame, except: exception)
            case .publication(let audience, let published): audience.deliver(published)
            case .told(let audience, let frame, let context): audience.deliver(frame, context)
            case .one(let seat, let frame): seat.present?.deliver(frame)
            case .enter(let seat, let frame):
                seat.audience.add(seat)
                if let frame { seat.present?.deliver(frame) }
            case .exit(let seat): seat.clear()
            case .call(let body): body()
            }
        }
        guard Self.isKept(capacity: batch.capacity, used: batch.count) else { return }
        batch.removeAll(keepingCapacity: true)
        let emptied = batch
        mailbox.withLock { $0.spare = emptied }
    }

    /// Whether an emptied list is worth its memory: one burst now and then must not hold it forever.
    static func isKept(capacity: Int, used: Int) -> Bool {
        capacity <= alwaysKept || capacity <= keptAtMost && used >= capacity / 4
    }

    /// Appends a delivery; the one that finds the mailbox empty wakes the loop. Any thread.
    func post(_ delivery: Delivery) {
        let isFirst = mailbox.withLock { mailbox in
            mailbox.waiting.append(delivery)
            return mailbox.waiting.count == 1
        }
        if isFirst { wake(self) }
    }
}
