import Channels
import WebSocketCore

/// A sink that writes down what it is told.
final class SinkRecorder: ChannelSink {
    struct Received: Hashable, Sendable {
        let publication: Publication
        let position: Position

        var text: String { publication.text }
    }

    private struct Notes {
        var received: [Received] = []
        var relayed: [Publication] = []
        var changes: [PresenceChange] = []
        var counts: [Int] = []
        var interruptions = 0
    }

    private let notes = Lock(Notes())

    /// Everything that was published, as it came.
    var received: [Received] { notes.withLock { $0.received } }
    var relayed: [Publication] { notes.withLock { $0.relayed } }
    var changes: [PresenceChange] { notes.withLock { $0.changes } }
    var counts: [Int] { notes.withLock { $0.counts } }
    var interruptions: Int { notes.withLock { $0.interruptions } }

    var texts: [String] { received.map(\.text) }
    /// Who came and went: `+ann`, `-ann`.
    var comings: [String] { changes.map { ($0.kind == .joined ? "+" : "-") + $0.identity.name } }

    /// What came for everybody; an engine that is not lossless may repeat and reorder, which is put right here.
    func received(from engine: any Engine) -> [Received] {
        guard !engine.isLossless else { return received }
        return Set(received).sorted { $0.position.offset < $1.position.offset }
    }

    func received(_ publication: Publication, at position: Position) {
        notes.withLock { $0.received.append(Received(publication: publication, position: position)) }
    }

    func relayed(_ publication: Publication) { notes.withLock { $0.relayed.append(publication) } }
    func presenceChanged(_ change: PresenceChange) { notes.withLock { $0.changes.append(change) } }
    func subscriptionsChanged(to count: Int) { notes.withLock { $0.counts.append(count) } }
    func interrupted() { notes.withLock { $0.interruptions += 1 } }
}
