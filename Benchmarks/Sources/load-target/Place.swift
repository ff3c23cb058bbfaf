import Channels
import Synchronization
import WebSocketCore

/// What the sessions of one loop share: the one channel there is, and the loop's shard.
final class Place: Sendable {
    private static let hub = ChannelHub(encoder: RawEncoder())
    private static let name: ChannelName = {
        guard let name = ChannelName("load".utf8) else { preconditionFailure("The channel's name is no name.") }
        return name
    }()

    /// The shard of the loop.
    let shard: Shard

    init(shard: Shard) { self.shard = shard }

    /// Has `connection` hear what is published, on the loop's thread.
    func subscribe(_ connection: WebSocketConnection) -> Subscription {
        Self.hub.subscribe(Self.name, with: ConnectionEnd(connection), on: shard)
    }

    func publish(_ kind: MessageKind, _ payload: RawSpan) { Self.hub.publish(kind, payload, to: Self.name) }
}

/// A connection's end of the channel.
private final class ConnectionEnd: Subscriber {
    private let connection: WebSocketConnection

    init(_ connection: WebSocketConnection) {
        self.connection = connection
        super.init()
    }

    override func deliver(_ frame: SharedFrame) { connection.send(frame) }
}

/// A protocol without an envelope: what is published is what is sent.
private struct RawEncoder: ChannelEncoder {
    // The channel has no members that anything could happen to.
    func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? { nil }

    func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame {
        SharedFrame(.text, publication.data)
    }

    func frame(for kind: MessageKind, _ payload: RawSpan) -> SharedFrame {
        Counters.publicationsEncoded.add(1, ordering: .relaxed)
        return payload.withUnsafeBytes { SharedFrame(kind, $0) }
    }
}
