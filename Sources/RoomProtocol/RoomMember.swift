public import Channels
public import WebSocketCore

/// One connection to a room, from its handshake to its end; a member as soon as it has sent a name.
///
/// The carrier tells it what happens on the connection, by ``received(text:)``, ``becameWritable()``, ``closed()`` and
/// ``exceededMessageRate()``, and a subclass overrides `deliver(_:)` and `isWritable` for what it sends,
/// ``setReading(_:)`` and ``disconnect(_:reason:)``. Everything happens on the thread of its shard. A binary message is an error of the
/// carrier's to handle: it closes with ``closeCodeForBinary``.
open class RoomMember: Subscriber {
    /// The close code for a binary message: 1003, unsupported data (RFC 6455 §7.4.1).
    public static let closeCodeForBinary: UInt16 = 1003
    /// The close code for a connection that has to come back, and to ask for what it missed if it can: 1013, try again
    /// later (the registry that RFC 6455 §7.4.2 asks for).
    public static let closeCodeForRecovery: UInt16 = 1013

    private let rooms: Rooms
    private let room: ChannelName
    private let shard: Shard
    private let address: AddressBlock?
    private var membership: Membership?
    /// The name of the member, as it stands in the roster.
    private var name: [UInt8] = []
    private var isClosed = false
    private var turn = CommandTurn()
    /// The carrier has been asked to hand over nothing until the turn of this connection comes.
    private var waitsForTurn = false
    /// Messages that it has handed over nevertheless, see ``CommandCost/lateMessages``.
    private var lateMessages: UInt8 = 0

    /// Prepares a connection, which nobody in the room hears of until it joins.
    ///
    /// - Parameters:
    ///   - rooms: the server's rooms.
    ///   - room: the room that the client asked for, see ``RoomName``.
    ///   - shard: the shard of the thread that serves the connection.
    ///   - address: the client's address, which gets at most nine in ten of a room's members; `nil` for no limit.
    public init(rooms: Rooms, room: ChannelName, shard: Shard, address: AddressBlock? = nil) {
        self.address = address
        self.rooms = rooms
        self.room = room
        self.shard = shard
    }

    /// Ends the connection; must be overridden. Called on the shard's thread, after which ``closed()`` must come.
    ///
    /// - Parameters:
    ///   - code: ``closeCodeForRecovery``.
    ///   - reason: for a person who reads a log.
    open func disconnect(_ code: UInt16, reason: String) {
        // Not a peer's doing: whether a subclass overrides it is settled when the program is compiled.
        preconditionFailure("A room member must override disconnect(_:reason:).")
    }

    /// Has the carrier hand over messages, or none until it is called again. A carrier that cannot wait answers `false`,
    /// and goes on.
    open func setReading(_ isReading: Bool) -> Bool { false }

    /// Has the carrier drop what is left of a peer's messages that has ended its side.
    open func dropRest() {}

    /// Does what a text message asks for; errors are pushed to this connection alone. What it asks for beyond its turn
    /// waits.
    public final func received(text: RawSpan) {
        guard !isClosed else { return }
        if waitsForTurn {
            lateMessages &+= 1
            guard lateMessages <= CommandCost.lateMessages else {
                dropRest()
                return
            }
        }
        let fanOut = obey(text)
        let bytes = text.byteCount
        let cost = CommandCost.ofChange + CommandCost.ofReading(bytes) + CommandCost.ofFanOut(fanOut, bytes: bytes)
        guard !shard.takesCommand(cost, &turn), !waitsForTurn, !isClosed, setReading(false) else { return }
        waitsForTurn = true
        shard.waitForTurn(self, turn)
    }

    /// It is this connection's turn again. Called by its shard.
    public final override func turnCame() {
        guard waitsForTurn else { return }
        waitsForTurn = false
        lateMessages = 0
        _ = setReading(true)
    }

    /// - Returns: how many on this shard hear of it.
    private func obey(_ text: RawSpan) -> Int {
        switch RoomCommand(text) {
        case .join(let profile, let resume): join(as: profile, resume)
        case .say(let text, let addressee, let extras):
            say(text, to: addressee, extras)
            if case .all = addressee { return membership?.listenerCount ?? 0 }
        case .ignored: break
        case .refused(let error): refuse(error)
        }
        return 0
    }

    /// The connection takes more again: what was missed and waits for it goes on.
    public final func becameWritable() { membership?.becameWritable() }

    /// Tells the client that it sends too many messages, as the last thing before the carrier closes the connection: at
    /// once, not behind what the room still has for it.
    public final func exceededMessageRate() {
        guard !isClosed else { return }
        deliver(text: rooms.encoder.text(for: .tooManyMessages))
    }

    /// The peer for a log; empty when it is not known.
    open var peer: String { "" }

    /// Ends it: the connection is closed or lost. The others are told once, however often this is called, if it ever
    /// joined. Nothing is delivered from now on, and nothing that is received counts.
    ///
    /// Must be called, or the room keeps the member forever.
    public final func closed() {
        isClosed = true
        guard let membership else { return }
        membership.leave()
        self.membership = nil
        if let address { rooms.shares.giveBack(room, address) }
    }

    /// What became of the request to resume, if there was one: comes after the welcome and before what was missed.
    public final override func started(_ channel: ChannelName, _ start: SubscriptionStart) {
        if let push = rooms.encoder.text(for: start) { deliver(text: push) }
    }

    /// The engine does not let it in.
    public final override func refused(_ channel: ChannelName, _ error: EngineError) {
        rooms.report(.roomUnreachable, to: room, peer)
        deliver(text: rooms.encoder.text(for: .roomUnreachable))
        disconnect(Self.closeCodeForRecovery, reason: "the room can not be reached")
    }

    /// It can not be given everything in order any more.
    public final override func mustRecover(_ channel: ChannelName) {
        disconnect(Self.closeCodeForRecovery, reason: "come back and ask for what you missed")
    }

    private func join(as profile: Profile, _ resume: Resumption?) {
        if let membership {
            // What the page was promised by its first join goes on.
            membership.update(profile)
            name = profile.name
            return
        }
        if let address, !rooms.shares.take(room, address) { return refuse(.addressFull) }
        do throws(ChannelError) {
            membership = try rooms.hub.join(
                room, as: profile, with: self, on: shard, SubscriptionRequest(start: resume?.start ?? .live))
            name = profile.name
        } catch {
            if let address { rooms.shares.giveBack(room, address) }
            refuse(RoomError(error))
        }
    }

    private func say(_ text: [UInt8], to addressee: RoomCommand.Addressee, _ extras: [Attribute]) {
        guard let membership else {
            refuse(.notJoined)
            return
        }
        let maximumBytes = rooms.options.maximumSaidBytes
        // Most texts are so short that they need no counting.
        guard text.count <= maximumBytes / JSONText.maximumExpansion || JSONText.escapedBytes(text) <= maximumBytes
        else {
            refuse(.messageTooLong)
            return
        }
        switch addressee {
        case .all: sayToAll(text, extras, as: membership)
        case .nobody: refuse(.unknownAddressee)
        case .member(let code):
            do throws(ChannelError) {
                // Never a publication: what is private is in no engine and no history.
                let push = rooms.encoder.said(text, by: membership.code, to: code, extras)
                try membership.send(SharedFrame(.text, push), to: code)
            } catch {
                refuse(RoomError(error))
            }
        }
    }

    private func sayToAll(_ text: [UInt8], _ extras: [Attribute], as membership: Membership) {
        let push = rooms.encoder.said(text, by: membership.code, to: nil, extras)
        let publication = Publication(data: push, sender: name)
        let (rooms, room, peer, notifier) = (rooms, room, peer, membership.notifier)
        membership.publish(publication, retention: rooms.options.retention) { result in
            guard case .failure(let error) = result else { return }
            let refusal = error == .unavailable ? RoomError.unanswered : .notKept
            rooms.report(refusal, to: room, peer)
            notifier.notify(rooms.encoder.text(for: refusal))
        }
    }

    private func refuse(_ error: RoomError) {
        if error.isForTheOperator { rooms.report(error, to: room, peer) }
        let push = rooms.encoder.text(for: error)
        // A member gets it after what the room has for it so far: nothing may come before the welcome.
        if let membership { membership.notify(push) } else { deliver(text: push) }
    }
}

extension RoomError {
    /// What a client is told when a channel refuses.
    fileprivate init(_ error: ChannelError) {
        switch error {
        case .full: self = .roomFull
        case .toOneself: self = .toOneself
        default: self = .unknownAddressee
        }
    }
}
