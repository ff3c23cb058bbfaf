import Channels
import NIOConcurrencyHelpers

/// Hands on what an engine observes to somebody who is made after the engine. Any thread.
final class ObserverLink: EngineObserver {
    private let observer = NIOLockedValueBox<(any EngineObserver)?>(nil)

    /// Who is told from now on; `nil` for nobody.
    func connect(_ observer: (any EngineObserver)?) { self.observer.withLockedValue { $0 = observer } }

    func observed(_ event: DomainEvent, in channel: ChannelAddress) {
        observer.withLockedValue { $0 }?.observed(event, in: channel)
    }
}
