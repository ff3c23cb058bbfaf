import Channels
import WebSocketCore

/// A signed-in connection's ear in a reserved channel. A subscriber of its own, since what happens there is no message
/// for the client.
class UserListener: Subscriber {
    /// Cut when the user leaves: each keeps the other alive until then.
    final var connection: PusherConnection?
    final var subscription: Subscription?

    init(_ connection: PusherConnection) { self.connection = connection }

    /// Begins to listen.
    final func listen(in name: ChannelName, _ request: SubscriptionRequest) {
        guard let connection else { return }
        let subscription = connection.runtime.hub.subscribe(name, with: self, on: connection.shard, request)
        // It may have been ended by what it was told at once.
        if self.connection == nil { subscription.leave() } else { self.subscription = subscription }
    }

    /// Ends it.
    final func leave() {
        subscription?.leave()
        subscription = nil
        connection = nil
    }

    override func deliver(_ frame: SharedFrame) {}

    override func refused(_ channel: ChannelName, _ error: EngineError) {
        connection?.end(PusherCloseCode.overCapacity, "The user could not be signed in at the moment.")
    }

    override func mustRecover(_ channel: ChannelName) {
        connection?.end(PusherCloseCode.reconnect, "The user's state could not be followed. Please come back.")
    }
}
