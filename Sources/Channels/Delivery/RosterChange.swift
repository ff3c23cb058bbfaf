import WebSocketCore

/// A change of a channel's roster on its way to the audiences: made once, shared by all of them.
final class RosterChange: Sendable {
    enum Kind: Sendable {
        case joined(ListedMember)
        case left(sequence: UInt64)
        /// A member shows another profile. The others hear of a leave and a join; its own seat is welcomed again.
        case changed(ListedMember, by: Seat)
    }

    let kind: Kind
    /// What subscribers are told, in this order.
    let frames: [SharedFrame]
    let byteCount: Int

    init(_ kind: Kind, _ frames: [SharedFrame]) {
        self.kind = kind
        self.frames = frames
        byteCount = frames.reduce(0) { $0 + $1.bytes.count }
    }

    var frameCount: Int { frames.count }
}
