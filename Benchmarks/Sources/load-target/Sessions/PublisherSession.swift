import WebSocketCore

/// Publishes what it gets; nothing comes back.
final class PublisherSession: LoadSession {
    private let place: Place

    init(_ place: Place) {
        self.place = place
        super.init()
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) { place.publish(kind, payload) }
}
