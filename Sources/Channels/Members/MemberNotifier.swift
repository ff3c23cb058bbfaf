import WebSocketCore

/// Reaches one member from any thread, for as long as it has not left.
public struct MemberNotifier: Sendable {
    let seat: Seat

    /// Sends a text to this member alone, after everything that the channel has for it so far. Any thread.
    public func notify(_ text: [UInt8]) { seat.shard.post(.one(seat, SharedFrame(.text, text))) }
}

extension Membership {
    /// What reaches this member from any thread.
    public var notifier: MemberNotifier { MemberNotifier(seat: seat) }
}
