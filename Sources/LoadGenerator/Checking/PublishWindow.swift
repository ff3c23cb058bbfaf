/// How many messages a publisher has under way: the deliveries that are still awaited, divided by the subscribers.
///
/// So the first half of the subscribers that have everything make room for new messages, and a server always has
/// something to do. With a window of one message the next one waits for the last subscriber.
struct PublishWindow {
    private let capacity: Int
    private var subscribers: Int
    /// Messages that were sent.
    private(set) var sent: UInt64 = 0
    /// Deliveries that are still awaited.
    private(set) var awaited = 0

    /// - Parameters:
    ///   - capacity: messages that may be under way; at least 1.
    ///   - subscribers: who has to get each of them.
    init(capacity: Int, subscribers: Int) {
        self.capacity = max(capacity, 1)
        self.subscribers = subscribers
    }

    /// How many messages are due: none until half of the window is free, so that they leave together.
    var room: Int {
        guard subscribers > 0 else { return 0 }
        let free = capacity - (awaited + subscribers - 1) / subscribers
        return free * 2 >= capacity ? max(free, 0) : 0
    }

    /// Takes a message into the window and gives its number.
    mutating func send() -> UInt64 {
        defer { sent &+= 1 }
        awaited += subscribers
        return sent
    }

    /// So many subscribers have got a message, or never will.
    mutating func delivered(_ count: Int) { awaited = max(0, awaited - count) }

    /// A subscriber is gone, who would have got the message `next` next: nothing is awaited from it any more.
    mutating func subscriberLeft(next: UInt64) {
        subscribers = max(0, subscribers - 1)
        delivered(Int(clamping: sent > next ? sent - next : 0))
    }
}
