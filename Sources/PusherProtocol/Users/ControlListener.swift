import Channels
import WebSocketCore

/// Listens to what the app's back end wants of a user's connections: whatever comes, the connection ends.
final class ControlListener: UserListener {
    override func started(_ channel: ChannelName, _ start: SubscriptionStart) { connection?.user?.listenerStarted() }

    override func deliver(_ frame: SharedFrame) {
        connection?.end(PusherCloseCode.unauthorized, "The app has ended this user's connections.")
    }
}
