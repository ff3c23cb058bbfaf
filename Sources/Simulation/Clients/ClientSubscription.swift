import Channels
import PusherProtocol

/// One channel that a client wants, and what it knows of it: the state that the invariants speak of.
final class ClientSubscription {
    enum Phase {
        /// The server has not been asked.
        case none
        /// It was asked and has not answered.
        case asked
        case live
    }

    /// What was asked, and how things stood then.
    struct Request {
        /// The position that was sent; `nil` for none.
        let position: Position?
        /// Whether the position was made up.
        let isInvented: Bool
        /// Whether the right to it was forged or had been taken away.
        let isForged: Bool
        let life: Int
        let top: Position?
        let oldest: UInt64
        let newest: UInt64?
    }

    let name: [UInt8]
    let address: ChannelAddress
    let kind: PusherChannelKind
    /// Whether it asks for positions; a stock client does not know them.
    let wantsPositions: Bool
    var phase = Phase.none
    var request: Request?
    /// Requests that were not answered yet; more than one when a client asks again.
    var unanswered = 0
    /// One of several requests was refused: whether another one is still going to be answered can not be told.
    var isInDoubt = false
    /// With positions: everything up to here has come, or was announced as lost.
    var position: Position?
    /// Up to here what comes is replay.
    var replayEnd: UInt64 = 0
    /// Without positions: the last publication that came, or the top when the subscription began.
    var seen: Position?
    /// Whether any has come since the subscription began.
    var hasSeenAny = false
    /// Without positions: the newest event of a cache channel, told at the beginning.
    var newestTold: Position?
    /// The next message may be the channel's newest event, told again.
    var expectsNewest = false
    /// Who is present, by the client's books.
    var members: Set<[UInt8]> = []
    /// What the server said of the number of subscriptions.
    var count: Int?
    /// Whether messages of the channel may come, by the marks in the stream.
    var isOpen = false
    /// Grows with each end of a subscription; messages of one before are no news.
    private(set) var generation = 0
    /// Which subscription the messages that come now belong to, by the marks in the stream.
    var openGeneration = -1
    /// Client events that have come, by sender and number.
    var events: Set<ClientEventName> = []
    /// The app gives no right to the channel any more.
    var isRevoked = false
    /// When the next attempt may be made, in microseconds.
    var notBefore: UInt64 = 0

    init(name: [UInt8], address: ChannelAddress, kind: PusherChannelKind, wantsPositions: Bool) {
        self.name = name
        self.address = address
        self.kind = kind
        self.wantsPositions = wantsPositions
    }

    /// The client asks anew. What is still on its way belongs to nobody; the marks in the stream say how long it may come.
    func abandon() {
        let isOpen = isOpen
        reset()
        self.isOpen = isOpen
    }

    /// The subscription is over; the position stays.
    func reset() {
        generation += 1
        phase = .none
        request = nil
        unanswered = 0
        isInDoubt = false
        members = []
        isOpen = false
        expectsNewest = false
        seen = nil
        hasSeenAny = false
        newestTold = nil
        count = nil
        replayEnd = 0
    }
}

@available(*, unavailable)
extension ClientSubscription: Sendable {}
