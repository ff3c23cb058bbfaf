import Channels

/// Makes a signed-in user present where others watch it.
final class OnlineListener: UserListener {
    override var connectionID: ConnectionID? { connection?.socketID }

    override func started(_ channel: ChannelName, _ start: SubscriptionStart) { connection?.user?.listenerStarted() }
}
