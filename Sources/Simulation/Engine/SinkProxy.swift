import Channels

/// What the store tells about one channel on its way to a node: there things are lost, doubled, late and out of order.
///
/// Single-threaded, like everything in a run.
final class SinkProxy: ChannelSink, @unchecked Sendable {
    let address: ChannelAddress
    let sink: any ChannelSink
    private let engine: SimulatedEngine
    /// In the order in which the node opened them.
    let number: Int
    /// Whether this life of the store has been asked.
    var isOpen = false
    /// Whether the store has ever been asked.
    var wasOpened = false
    /// Set as soon as the node closes: an adapter tells nothing after that.
    var isClosed = false

    /// The newest count that is on its way.
    var count: Int?

    init(_ address: ChannelAddress, _ sink: any ChannelSink, number: Int, of engine: SimulatedEngine) {
        self.number = number
        self.address = address
        self.sink = sink
        self.engine = engine
    }

    func received(_ publication: Publication, at position: Position) {
        engine.carry(self, "published \(words(position))") { $0.received(publication, at: position) }
    }

    func relayed(_ publication: Publication) {
        engine.carry(self, "relayed", repeats: false) { $0.relayed(publication) }
    }

    func presenceChanged(_ change: PresenceChange) {
        engine.carry(
            self, "\(String(decoding: change.identity.id, as: UTF8.self)) \(change.kind) (\(change.version))"
        ) { $0.presenceChanged(change) }
    }

    func subscriptionsChanged(to count: Int) {
        // Only the newest counts, and an adapter sees to that: none overtakes another, and the newest one arrives.
        engine.carryCount(count, to: self)
    }

    func interrupted() { engine.carry(self, "interrupted", isReliable: true, repeats: false) { $0.interrupted() } }
}
