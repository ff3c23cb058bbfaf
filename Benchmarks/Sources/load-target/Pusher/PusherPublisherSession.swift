import WebSocketCore

/// Publishes what it gets to the Pusher channel; nothing comes back.
final class PusherPublisherSession: LoadSession {
    override func received(_ kind: MessageKind, _ payload: RawSpan) { PusherPlace.publish(payload) }
}
