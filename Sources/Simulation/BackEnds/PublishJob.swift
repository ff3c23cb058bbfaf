import Channels

/// One thing that a publisher wants kept, and what it was told of it.
final class PublishJob {
    enum Outcome: Equatable {
        case unknown
        /// Kept, at these positions where they were asked for.
        case kept([Position])
        /// Its key stands for another one.
        case keyWasUsed
        /// Refused in words that a repetition does not change.
        case refused(Int)
    }

    let number: Int
    let path: String
    let body: [UInt8]
    /// Without one it is sent once only.
    let key: String?
    let asksPositions: Bool
    let addresses: [ChannelAddress]
    var outcome = Outcome.unknown
    var attempts = 0
    /// The number of the attempt whose answer is awaited.
    var awaited = 0
    /// What was answered when it was kept.
    var answer: [UInt8]?
    /// The store's life in which it was first sent.
    let life: Int

    init(
        number: Int, path: String, body: [UInt8], key: String?, asksPositions: Bool, addresses: [ChannelAddress],
        life: Int
    ) {
        self.number = number
        self.path = path
        self.body = body
        self.key = key
        self.asksPositions = asksPositions
        self.addresses = addresses
        self.life = life
    }

    /// Whether nothing more can be learnt of it.
    var isSettled: Bool { outcome != .unknown || (key == nil && attempts > 0 && awaited == 0) }
}

@available(*, unavailable)
extension PublishJob: Sendable {}
