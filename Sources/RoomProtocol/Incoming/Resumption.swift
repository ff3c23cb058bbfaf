public import Channels

/// What a page asks for in its join besides what is said from now on: `resume=`.
///
/// A page that asks is told positions, see ``RoomEncoder``; one that does not sees none of this.
public enum Resumption: Hashable, Sendable {
    /// `resume=` without a value: the newest messages that are kept, ``maximumNewest`` at most.
    case newest
    /// `resume=EPOCH:OFFSET`: what was said after that position. `nil` for a text that is no position, and so one that
    /// no room has ever had.
    case after(Position?)

    /// How many messages a page that has no position gets at most.
    public static let maximumNewest = 50

    /// An epoch, a colon, up to 16 digits and a line end; "%XX" takes three bytes for one.
    private static let maximumEncodedBytes = 3 * (Epoch.textBytes + 1 + 16 + 2)

    /// Reads the value of `resume`, still encoded.
    init(_ value: Range<Int>, of message: RawSpan) {
        guard value.count <= Self.maximumEncodedBytes else {
            self = .after(nil)
            return
        }
        let text = FormDecoder.decodeTrimmed(value, of: message)
        self = text.isEmpty ? .newest : .after(Position(text))
    }

    /// Where a subscription starts that does what is asked.
    var start: SubscriptionRequest.Start {
        switch self {
        case .newest: .newest(Self.maximumNewest)
        case .after(let position): .after(position)
        }
    }
}
