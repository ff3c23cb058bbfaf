import Channels
import WebSocketCore

/// Gets what is published; what it sends is ignored.
class SubscriberSession: LoadSession {
    /// One field for one word: before it is open it needs the place, and after that the subscription only.
    private enum State {
        case waiting(Place)
        case subscribed(Subscription)
        case ended
    }

    private var state: State

    init(_ place: Place) {
        state = .waiting(place)
        super.init()
    }

    override func opened(_ connection: WebSocketConnection) {
        super.opened(connection)
        if case .waiting(let place) = state { state = .subscribed(place.subscribe(connection)) }
    }

    override func closed(_ outcome: CloseOutcome) {
        super.closed(outcome)
        if case .subscribed(let subscription) = state { subscription.leave() }
        state = .ended
    }
}
