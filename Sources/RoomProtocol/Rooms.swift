public import Channels
public import WebSocketCore

/// All rooms of a server: their channels, and the protocol that is spoken there. Any thread.
public final class Rooms: Sendable {
    /// The namespace of the rooms' channels: `room`.
    public static let namespace = Array("room".utf8)

    let hub: ChannelHub
    let encoder: RoomEncoder
    let options: RoomOptions
    let shares: RoomShares
    let onRefusal: @Sendable (Refusal) -> Void

    /// Creates the rooms; each comes with its first member and goes with its last. What was said to all stays in the
    /// engine for as long as ``RoomOptions/retention`` says.
    ///
    /// - Parameters:
    ///   - options: what an operator can choose.
    ///   - engine: gives what is said to all its order and keeps it.
    ///   - instant: the present on a clock that never jumps; for what is done now and then.
    ///   - clock: the present time in the server's time zone; asked once per push, on any thread.
    ///   - onRefusal: called when a limit of the room refuses a client something; on the thread of its shard.
    public init(
        options: RoomOptions = RoomOptions(), engine: any Engine,
        instant: @escaping @Sendable () -> MonotonicInstant = { MonotonicInstant(milliseconds: 0) },
        clock: @escaping @Sendable () -> CivilTime,
        onRefusal: @escaping @Sendable (Refusal) -> Void = { _ in }
    ) {
        self.options = options
        self.onRefusal = onRefusal
        shares = RoomShares(of: options.maximumMembers)
        encoder = RoomEncoder(leftType: options.leftType, clock: clock)
        hub = ChannelHub(
            namespace: Self.namespace, engine: engine, encoder: encoder, maximumMembers: options.maximumMembers,
            clock: instant)
    }

    /// Tells the operator what a client in that room was refused.
    func report(_ error: RoomError, to room: ChannelName, _ peer: String) {
        onRefusal(
            Refusal(.message, reason: error.text, detail: String(decoding: room.bytes, as: UTF8.self), peer: peer))
    }

    /// How many rooms there are, each with at least one member.
    public var count: Int { hub.channelCount }

    /// Does what is due now and then, about once a second; any thread. See ``Channels/ChannelHub/tick()``.
    public func tick() { hub.tick() }
}
