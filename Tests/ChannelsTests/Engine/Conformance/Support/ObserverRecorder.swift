import Channels
import WebSocketCore

/// An observer that writes down what it is told.
final class ObserverRecorder: EngineObserver {
    struct Observed: Hashable, Sendable {
        let event: DomainEvent
        let channel: ChannelAddress
    }

    private let notes = Lock<[Observed]>([])

    var all: [Observed] { notes.withLock { $0 } }

    /// What was observed in one channel.
    func events(in channel: ChannelAddress) -> [DomainEvent] {
        all.filter { $0.channel == channel }.map(\.event)
    }

    /// Who was observed to come and go in one channel: `+ann`, `-ann`.
    func comings(in channel: ChannelAddress) -> [String] {
        events(in: channel).compactMap { event in
            switch event {
            case .memberAdded(let identity): "+" + identity.name
            case .memberRemoved(let identity): "-" + identity.name
            default: nil
            }
        }
    }

    func observed(_ event: DomainEvent, in channel: ChannelAddress) {
        notes.withLock { $0.append(Observed(event: event, channel: channel)) }
    }
}
