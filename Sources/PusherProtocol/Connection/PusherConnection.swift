public import Channels
public import WebSocketCore

/// One client's connection, from its handshake to its end.
///
/// The carrier tells it what happens: ``opened()``, ``received(_:_:)``, ``rateExceeded()``, ``peerIsSilent()``,
/// ``becameWritable()``, ``tick(now:)`` and at last ``closed()``. A subclass overrides `deliver(_:)`,
/// ``close(code:reason:)``, ``forgiveMessage()``, ``requireMessagesAsLife()``, ``setReading(_:)`` and `isWritable`. Everything happens on
/// the thread of its shard. Whether the peer is still there is the carrier's to find out: it says when the peer is
/// silent, and this asks with a `pusher:ping`.
///
/// Fields are few and small, since most connections do nothing most of the time: what only some need, a signed-in user
/// and a watchlist, is made when it is needed.
open class PusherConnection: Subscriber {
    private enum Phase: UInt8 {
        case new, open, ended
    }

    /// So many messages that are none end a connection.
    static let maximumMalformed: UInt8 = 10
    /// Names that are longer are not told back.
    static let maximumEchoBytes = 256

    /// The app that the client has connected to.
    public final let runtime: PusherAppRuntime
    /// The node.
    public final let node: PusherNode
    /// The connection's name in the cluster, which clients know as their `socket_id`.
    public final let socketID: ConnectionID
    /// The version of the protocol that the client speaks: 5, 6 or 7. All are told the same.
    public final var protocolVersion: UInt8 { version }
    final let shard: Shard
    final var places = ChannelPlaces()
    /// Whom it has signed in as.
    final var user: SignedInUser?
    private final var clientEvents = TokenBucket()
    /// What it may subscribe, unsubscribe and sign in without counting as a sender of messages.
    private final var commands = TokenBucket()
    /// Milliseconds on the node's clock; 0 for none.
    private final var authorizationDeadline: UInt64 = 0
    private final let version: UInt8
    private final var phase = Phase.new
    private final var isCounted = false
    private final var malformedCount: UInt8 = 0
    /// The carrier has been asked to hand over nothing until the turn of this connection comes.
    private(set) final var waitsForTurn = false
    /// Messages that it has handed over nevertheless, see ``CommandCost/lateMessages``.
    private final var lateMessages: UInt8 = 0
    private final var turn = CommandTurn()

    /// Prepares a connection that has been accepted, see ``PusherHandshake``.
    ///
    /// - Parameter shard: the shard of the thread that serves the connection.
    public init(runtime: PusherAppRuntime, node: PusherNode, protocolVersion: Int, shard: Shard) {
        self.runtime = runtime
        self.node = node
        version = UInt8(clamping: protocolVersion)
        self.shard = shard
        socketID = node.connectionID()
        super.init()
    }

    /// Begins the closing handshake; must be overridden. Everything that was delivered before goes out before.
    ///
    /// - Parameters:
    ///   - code: one that may stand in a close frame, see ``PusherCloseCode``.
    ///   - reason: for a person; ASCII, 123 bytes at most.
    open func close(code: UInt16, reason: String) {
        // Not a peer's doing: whether a subclass overrides it is settled when the program is compiled.
        preconditionFailure("A connection must override close(code:reason:).")
    }

    /// Takes the message that is being received off what the carrier lets the client send.
    open func forgiveMessage() {}

    /// The peer for a log; empty when it is not known.
    open var peer: String { "" }

    /// What a log calls the client.
    public final var name: String {
        "socket \(String(decoding: socketID.text, as: UTF8.self)) of app \(runtime.app.id)"
    }

    /// Has the carrier count only messages as life: this client answers `pusher:ping`, so that its pongs of RFC 6455
    /// say nothing. A browser answers those for a page that was left.
    open func requireMessagesAsLife() {}

    /// Has the carrier hand over messages, or none until it is called again. A carrier that cannot wait answers `false`,
    /// and goes on.
    open func setReading(_ isReading: Bool) -> Bool { false }

    /// Has the carrier drop what is left of a peer's messages that has ended its side.
    open func dropRest() {}

    /// See ``socketID``.
    public final override var connectionID: ConnectionID? { socketID }

    /// When ``tick(now:)`` has something to do; `nil` as long as there is nothing.
    public final var deadline: MonotonicInstant? {
        authorizationDeadline == 0 ? nil : MonotonicInstant(milliseconds: authorizationDeadline)
    }

    /// The connection can be written: the client is told its `socket_id`, or why it can not stay.
    public final func opened() {
        guard phase == .new else { return }
        phase = .open
        guard !node.isDraining else { return drain() }
        isCounted = runtime.admit()
        guard isCounted else {
            return end(PusherCloseCode.overQuota, "This app has as many connections as it may have.")
        }
        if let timeout = runtime.app.authorizationTimeout {
            authorizationDeadline = max(1, node.clock().advanced(by: timeout).milliseconds)
        }
        deliver(PusherMessages.established(socketID, activityTimeout: runtime.app.limits.activityTimeout))
    }

    /// Does what a message asks for.
    ///
    /// - Parameter payload: valid during the call only; text is UTF-8.
    public final func received(_ kind: MessageKind, _ payload: RawSpan) {
        guard phase == .open, takesMessage() else { return }
        guard kind == .text else { return end(PusherCloseCode.unsupportedData, "This protocol speaks text only.") }
        var cost = CommandCost.ofReading(payload.byteCount)
        switch PusherCommand(payload) {
        case .ping: deliver(PusherMessages.pong)
        case .pong: requireMessagesAsLife()
        case .subscribe(let command):
            countCommand()
            subscribe(command)
        case .unsubscribe(let channel):
            countCommand()
            unsubscribe(channel)
        case .signIn(let auth, let userData):
            countCommand()
            signIn(auth, userData)
        case .clientEvent(let event, let channel):
            let count = send(event, to: channel)
            cost += CommandCost.ofChange + CommandCost.ofFanOut(count, bytes: payload.byteCount)
        case .ignored: break
        case .forbidden: refuse("Clients may send events only whose names begin with client-.")
        case .malformed(let text): malformed(text)
        case .refused(let text): deliver(PusherMessages.error(nil, text))
        }
        charge(cost + CommandCost.ofMessage)
    }

    /// More messages came than the carrier takes, for so long that it does not want to wait any more.
    public final func rateExceeded() {
        end(PusherCloseCode.overCapacity, "Too many messages for more than half a minute. Please send fewer a second.")
    }

    /// The client has said nothing for the app's activity timeout: it is asked whether it is there.
    public final func peerIsSilent() {
        if isOpen { deliver(PusherMessages.ping) }
    }

    /// The carrier takes more again.
    public final func becameWritable() {
        for place in places.all { place.subscription?.becameWritable() }
    }

    /// It is this connection's turn again. Called by its shard.
    public final override func turnCame() {
        guard waitsForTurn else { return }
        waitsForTurn = false
        lateMessages = 0
        user?.watchOn()
        if !waitsForTurn { _ = setReading(true) }
    }

    /// Time has come: what is due at ``deadline`` is done.
    public final func tick(now: MonotonicInstant) {
        guard phase == .open, let deadline, deadline <= now else { return }
        end(PusherCloseCode.unauthorized, "This connection has not signed in nor subscribed to a signed channel.")
    }

    /// Sends the client away because this node ends: it comes back after a second, to another one.
    public final func drain() { end(PusherCloseCode.overCapacity, "This server ends. Please come back soon.") }

    /// A subscription begins. Called by channels.
    public final override func started(_ channel: ChannelName, _ start: SubscriptionStart) {
        if isOpen { subscriptionStarted(channel, start) }
    }

    /// A subscription can not begin. Called by channels.
    public final override func refused(_ channel: ChannelName, _ error: EngineError) {
        if isOpen { subscriptionRefused(channel, error) }
    }

    /// A subscription can not go on without a hole. Called by channels.
    public final override func mustRecover(_ channel: ChannelName) {
        end(PusherCloseCode.reconnect, "A channel could not be followed. Please come back and recover.")
    }

    /// Ends it: the connection is closed or lost. Must be called, or its channels keep it forever; more calls do
    /// nothing.
    public final func closed() {
        phase = .ended
        leaveEverything()
        if isCounted { runtime.release() }
        isCounted = false
    }

    /// Tells the client why, and closes. Nothing that it sends counts any more, and no channel reaches it.
    final func end(_ code: UInt16, _ reason: String) {
        guard phase == .open else { return }
        phase = .ended
        leaveEverything()
        // The older versions know no close codes, and some clients read nothing else.
        deliver(PusherMessages.error(code, reason))
        close(code: code, reason: reason)
    }

    /// Tells the client that something is not done, for a reason that does not concern the connection.
    final func refuse(_ text: String) {
        report(Int(PusherCloseCode.clientEventRefused), text)
        deliver(PusherMessages.error(PusherCloseCode.clientEventRefused, text))
    }

    /// Tells the operator of something that the client is refused.
    final func report(_ code: Int, _ text: String) {
        node.report(Refusal(.error(code), reason: text, peer: peer.isEmpty ? name : "\(peer) \(name)"))
    }

    /// A signature of the app has been found good: the connection may stay.
    final func isAuthorized() { authorizationDeadline = 0 }

    /// Takes one client event from what the connection may send.
    final func takeClientEvent() -> Bool { clientEvents.take(runtime.clientEventRate, now: node.clock()) }

    /// Its channels and the users that it watches: each is a subscription of the node.
    final var subscriptionCount: Int { places.count + (user?.watchCount ?? 0) }

    final var isOpen: Bool { phase == .open }

    /// Subscribing to all of its channels, and unsubscribing again, costs a client nothing; to go on doing so does.
    private final func countCommand() {
        if commands.take(runtime.commandRate, now: node.clock()) { forgiveMessage() }
        charge(CommandCost.ofChange)
    }

    /// Whether a message is looked at: of those that come although this connection waits for its turn, because the
    /// client has ended its side, only the first few.
    private final func takesMessage() -> Bool {
        guard waitsForTurn else { return true }
        lateMessages &+= 1
        guard lateMessages > CommandCost.lateMessages else { return true }
        dropRest()
        return false
    }

    /// Counts what a message costs; when others come first, nothing more is read until it is this connection's turn.
    final func charge(_ cost: Int) {
        guard cost > 0, !shard.takesCommand(cost, &turn), !waitsForTurn, setReading(false) else { return }
        waitsForTurn = true
        shard.waitForTurn(self, turn)
    }

    private final func malformed(_ text: String) {
        malformedCount += 1
        guard malformedCount < Self.maximumMalformed else {
            return end(PusherCloseCode.policyViolation, "Too many messages that are none of this protocol.")
        }
        report(400, text)
        deliver(PusherMessages.error(nil, text))
    }

    private final func leaveEverything() {
        authorizationDeadline = 0
        user?.leave()
        user = nil
        let left = places.removeAll()
        Departures.begin(left.compactMap(\.subscription), count: left.count, of: left.count, self)
    }
}
