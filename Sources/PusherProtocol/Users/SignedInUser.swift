import Channels
import WebSocketCore

/// Whom a connection has signed in as, and whom it watches (spec: pusher-protocol §5.8). Made when somebody signs in.
///
/// The client is told that it is signed in when the user's connections can be ended and the user can be seen, then who
/// of those it watches is online, then every change.
final class SignedInUser {
    let id: [UInt8]
    /// What the user shows of itself, as JSON; empty for nothing.
    let info: [UInt8]
    private let control: ControlListener
    private let online: OnlineListener
    private var watchers: [Watcher] = []
    /// Who is to be watched when it is the connection's turn.
    private var unwatched: ArraySlice<[UInt8]> = []
    private var connection: PusherConnection?
    /// How many of the two listeners have still to begin.
    private var missingListeners = 2
    private var missingWatchers = 0
    /// What the client is told as soon as it is signed in.
    private var pendingReply: Reply?
    /// Whether the node had no subscriptions left for the whole watchlist.
    private var isNodeFull = false
    /// Whether the client knows who is online, so that it is told changes.
    private var isListTold = false

    private struct Reply {
        let userData: [UInt8]
        let isWatchlistCut: Bool
    }

    init(_ data: UserData, _ connection: PusherConnection) {
        id = data.id
        info = data.info
        self.connection = connection
        control = ControlListener(connection)
        online = OnlineListener(connection)
    }

    /// How many users it watches.
    var watchCount: Int { watchers.count }

    /// Whether the client has been told that it is signed in.
    var isConfirmed: Bool { missingListeners == 0 }

    /// Begins. The connection must know this user by now.
    func begin(_ data: UserData, userData: [UInt8]) {
        pendingReply = Reply(userData: userData, isWatchlistCut: data.isWatchlistCut)
        guard let controlName = PusherChannelNames.control(id), let onlineName = PusherChannelNames.online(id) else {
            return
        }
        control.listen(in: controlName, SubscriptionRequest())
        let identity = Identity(id: id)
        online.listen(in: onlineName, SubscriptionRequest(identity: identity))
        watch(data.watchlist)
    }

    /// Signs in once more as the same user, perhaps with another watchlist.
    func repeated(_ data: UserData, userData: [UInt8]) {
        pendingReply = Reply(userData: userData, isWatchlistCut: data.isWatchlistCut)
        connection?.charge(watchers.count * CommandCost.ofChange)
        unwatch()
        isListTold = false
        watch(data.watchlist)
        reply()
    }

    /// Ends everything.
    func leave() {
        control.leave()
        online.leave()
        unwatch()
        connection = nil
    }

    /// A listener has begun.
    func listenerStarted() {
        guard missingListeners > 0 else { return }
        missingListeners -= 1
        reply()
    }

    /// A watcher has begun.
    func watcherStarted() {
        missingWatchers -= 1
        tellList()
    }

    /// Somebody who is watched came online, or went.
    func tell(_ change: SharedFrame) {
        if isListTold { connection?.deliver(change) }
    }

    private func watch(_ users: [[UInt8]]) {
        isNodeFull = false
        unwatched = users[...]
        missingWatchers = users.count
        watchOn()
    }

    /// Watches those that are left, as far as it is the connection's turn: each is a subscription, with its cost, and its
    /// place among those that the node may have.
    func watchOn() {
        guard let connection else { return }
        while let user = unwatched.first, !connection.waitsForTurn {
            guard connection.runtime.takeSubscription(having: connection.subscriptionCount) else { return cutList() }
            unwatched.removeFirst()
            let watcher = Watcher(connection, user: user)
            watchers.append(watcher)
            if let name = PusherChannelNames.online(user) {
                watcher.listen(in: name, SubscriptionRequest(wantsMembers: true))
            }
            connection.charge(CommandCost.ofChange)
        }
    }

    /// The node has no more subscriptions: the rest of the list is not watched.
    private func cutList() {
        isNodeFull = true
        missingWatchers -= unwatched.count
        unwatched = []
        connection?.report(Int(PusherCloseCode.watchlistTooLong), "The watchlist is cut: the node is full.")
        guard missingListeners == 0, pendingReply == nil else { return }
        tellCut()
        tellList()
    }

    private func tellCut() {
        connection?.deliver(
            PusherMessages.error(
                PusherCloseCode.watchlistTooLong,
                "Of this watchlist the first \(watchers.count + unwatched.count) users are watched."))
    }

    private func unwatch() {
        unwatched = []
        missingWatchers = 0
        guard let connection, !watchers.isEmpty else { return }
        let (count, before) = (watchers.count, connection.subscriptionCount)
        let subscriptions = watchers.compactMap(\.subscription)
        for watcher in watchers { watcher.connection = nil }
        watchers = []
        Departures.begin(subscriptions, count: count, of: before, connection)
    }

    private func reply() {
        guard missingListeners == 0, let reply = pendingReply, let connection else { return }
        pendingReply = nil
        connection.deliver(PusherMessages.signedIn(reply.userData))
        if reply.isWatchlistCut || isNodeFull { tellCut() }
        tellList()
    }

    private func tellList() {
        guard missingListeners == 0, pendingReply == nil, missingWatchers == 0, !isListTold else { return }
        isListTold = true
        let online = watchers.filter(\.isOnline).map(\.user)
        if !online.isEmpty { connection?.deliver(PusherMessages.watchlist(isOnline: true, online)) }
    }
}
