import Channels
import PusherProtocol

/// Hears what the store observes through one node, and passes it on to the node.
final class StoreObserver: EngineObserver, @unchecked Sendable {
    weak var node: PusherNode?
    private let audit: Audit

    init(_ audit: Audit) { self.audit = audit }

    func observed(_ event: DomainEvent, in channel: ChannelAddress) {
        audit.observed(event, in: channel)
        node?.observed(event, in: channel)
    }
}
