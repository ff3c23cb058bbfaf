import Channels
import WebSocketCore

/// What the domain adds to a fan-out: from a publication to the call of each subscriber.
enum FanOut {
    private static let subscriberCount = 1_000

    /// A protocol without an envelope.
    private struct Encoder: ChannelEncoder {
        func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? { nil }

        func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame {
            SharedFrame(.text, publication.data)
        }
    }

    /// Counts what it is delivered and does nothing else.
    private final class Counter: Subscriber {
        var deliveries = 0

        override func deliver(_ frame: SharedFrame) { deliveries &+= 1 }
    }

    /// Makes `count` deliveries, as publications of 64 bytes to 1,000 subscribers on one shard.
    static func deliver(_ count: Int) -> Int {
        guard let name = ChannelName("lobby".utf8) else { return -1 }
        let hub = ChannelHub(encoder: Encoder())
        let shard = Shard { _ in }
        let counters = (0..<subscriberCount).map { _ in Counter() }
        let subscriptions = counters.map { hub.subscribe(name, with: $0, on: shard) }
        shard.drain()
        let payload = [UInt8](repeating: 97, count: 64)
        for _ in 0..<count / subscriberCount {
            hub.publish(.binary, payload.span.bytes, to: name)
            shard.drain()
        }
        for subscription in subscriptions { subscription.leave() }
        return counters.reduce(0) { $0 + $1.deliveries }
    }
}
