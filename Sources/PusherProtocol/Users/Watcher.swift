import Channels
import WebSocketCore

/// Watches whether one user is online.
final class Watcher: UserListener {
    let user: [UInt8]
    /// As far as is known.
    private(set) var isOnline = false
    private var hasStarted = false

    init(_ connection: PusherConnection, user: [UInt8]) {
        self.user = user
        super.init(connection)
    }

    override func started(_ channel: ChannelName, _ start: SubscriptionStart) {
        isOnline = start.members.map { !$0.members.isEmpty } ?? false
        guard !hasStarted else { return }
        hasStarted = true
        connection?.user?.watcherStarted()
    }

    override func deliver(_ frame: SharedFrame) {
        guard let isOnline = WatchlistSignal.isOnline(frame), isOnline != self.isOnline else { return }
        self.isOnline = isOnline
        if isOnline || !PlantedBug.isOn(.hideOffline) { connection?.user?.tell(frame) }
    }
}
