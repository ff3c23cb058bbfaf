public import Channels

/// One connection to a room, from its handshake to its end; a member as soon as it has sent a name.
///
/// The carrier tells it what happens on the connection, by ``received(text:)``, ``closed()`` and
/// ``exceededMessageRate()``, and a subclass overrides `deliver(_:)` to queue what it sends. Everything happens on the
/// thread of its shard. A binary message is an error of the carrier's to handle: it closes with ``closeCodeForBinary``.
open class RoomMember: Subscriber {
    /// The close code for a binary message: 1003, unsupported data (RFC 6455 §7.4.1).
    public static let closeCodeForBinary: UInt16 = 1003

    private let rooms: Rooms
    private let room: ChannelName
    private let shard: Shard
    private var membership: Membership?
    private var isClosed = false

    /// Prepares a connection, which nobody in the room hears of until it joins.
    ///
    /// - Parameters:
    ///   - rooms: the server's rooms.
    ///   - room: the room that the client asked for, see ``RoomName``.
    ///   - shard: the shard of the thread that serves the connection.
    public init(rooms: Rooms, room: ChannelName, shard: Shard) {
        self.rooms = rooms
        self.room = room
        self.shard = shard
    }

    /// Does what a text message asks for; errors are pushed to this connection alone.
    public final func received(text: RawSpan) {
        guard !isClosed else { return }
        switch RoomCommand(text) {
        case .join(let profile): join(as: profile)
        case .say(let text, let addressee, let extras): say(text, to: addressee, extras)
        case .ignored: break
        case .refused(let error): refuse(error)
        }
    }

    /// Tells the client that it sends too many messages; the one that was too many has not been handed in.
    public final func exceededMessageRate() {
        guard !isClosed else { return }
        refuse(.tooManyMessages)
    }

    /// Ends it: the connection is closed or lost. The others are told once, however often this is called, if it ever
    /// joined. Nothing is delivered from now on, and nothing that is received counts.
    ///
    /// Must be called, or the room keeps the member forever.
    public final func closed() {
        isClosed = true
        membership?.leave()
        membership = nil
    }

    private func join(as profile: Profile) {
        if let membership {
            membership.update(profile)
            return
        }
        do throws(ChannelError) {
            membership = try rooms.hub.join(room, as: profile, with: self, on: shard)
        } catch {
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
        case .all: membership.publish(text, attributes: extras)
        case .nobody: refuse(.unknownAddressee)
        case .member(let code):
            do throws(ChannelError) {
                try membership.publish(text, attributes: extras, to: code)
            } catch {
                refuse(RoomError(error))
            }
        }
    }

    private func refuse(_ error: RoomError) {
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
