import Synchronization

/// What a shard did in one iteration of its loop, against how much it may do.
///
/// Charged in bulk: an audience by its size, a frame that an audience shares once, a frame of one subscriber's own each
/// time. So nothing is counted per delivery.
struct ShardWork: Sendable {
    /// Calls of subscribers in one iteration: about a millisecond's work.
    static var maximumDeliveries: Int { 16_384 }
    /// Bytes of frames in one iteration.
    static var maximumBytes: Int { 1 << 20 }
    /// Bytes that leave for subscribers in one iteration: a frame counts for each that it is delivered to.
    static var maximumOutgoingBytes: Int { 8 << 20 }
    /// A delivery goes to many from this number of subscribers on: what few are waiting for is not written behind it.
    static var manySubscribers: Int { 128 }
    /// A frame is large from this many bytes on.
    static var largeBytes: Int { 64 << 10 }
    /// Frames that are made in one iteration.
    static var maximumEncodings: Int { 512 }
    /// What connections ask for in one iteration, see ``CommandCost``: about two milliseconds' work.
    static var maximumPoints: Int { 1_024 }

    private(set) var deliveries = 0
    private(set) var bytes = 0
    private(set) var outgoingBytes = 0
    private(set) var encodings = 0
    /// What connections have asked for, also between two drains.
    private(set) var points = 0

    /// Whether the rest waits for the next iteration.
    var isSpent: Bool {
        deliveries >= Self.maximumDeliveries || bytes >= Self.maximumBytes || encodings >= Self.maximumEncodings
            || outgoingBytes >= Self.maximumOutgoingBytes
    }

    /// Whether the iteration has reached `times` times its limit of deliveries or bytes, or that of outgoing bytes.
    func isSpent(times: Int) -> Bool {
        deliveries >= times &* Self.maximumDeliveries || bytes >= times &* Self.maximumBytes
            || outgoingBytes >= Self.maximumOutgoingBytes
    }

    /// Whether one of `part` equal parts of the iteration is spent.
    func isSpent(part: Int) -> Bool {
        deliveries >= Self.maximumDeliveries / part || bytes >= Self.maximumBytes / part
            || encodings >= Self.maximumEncodings / part || outgoingBytes >= Self.maximumOutgoingBytes / part
    }

    /// What a channel may have cost lately, as ``cost(since:)``, and be one in which little happens: a sixteenth of an
    /// iteration.
    static var smallCost: Int { maximumDeliveries / 16 }

    /// What was done since `before`, in deliveries that would have taken as large a part of the iteration.
    func cost(since before: Self) -> Int {
        let ofEncodings = (encodings &- before.encodings) * (Self.maximumDeliveries / Self.maximumEncodings)
        let ofOutgoing = (outgoingBytes &- before.outgoingBytes) / (Self.maximumOutgoingBytes / Self.maximumDeliveries)
        let ofBytes = (bytes &- before.bytes) / (Self.maximumBytes / Self.maximumDeliveries)
        return max(deliveries &- before.deliveries, ofBytes, ofOutgoing, ofEncodings)
    }

    /// The cost of a frame of `bytes` bytes that goes to `count` subscribers.
    static func cost(ofDeliveries count: Int, bytes: Int) -> Int {
        max(
            1, count, bytes / (maximumBytes / maximumDeliveries),
            count &* bytes / (maximumOutgoingBytes / maximumDeliveries))
    }

    /// Whether connections wait with what they ask for.
    var hasSpentPoints: Bool { points >= Self.maximumPoints }

    mutating func charge(points: Int) { self.points &+= points }

    mutating func charge(deliveries: Int, bytes: Int, encodings: Int = 0) {
        self.deliveries &+= deliveries
        outgoingBytes &+= deliveries &* bytes
        self.bytes &+= bytes
        self.encodings &+= encodings
    }
}

/// The most that a shard has done in one iteration of its loop.
public struct ShardStatistics: Hashable, Sendable {
    /// Calls of subscribers.
    public var mostDeliveries = 0
    /// Bytes of frames; one that an audience shares counts once.
    public var mostBytes = 0
    /// Frames that were made.
    public var mostEncodings = 0
    /// What connections asked for, see ``CommandCost``.
    public var mostPoints = 0

    /// Nothing so far.
    public init() {}

    /// The larger of each.
    public func merged(with other: Self) -> Self {
        var most = self
        most.mostDeliveries = max(mostDeliveries, other.mostDeliveries)
        most.mostBytes = max(mostBytes, other.mostBytes)
        most.mostEncodings = max(mostEncodings, other.mostEncodings)
        most.mostPoints = max(mostPoints, other.mostPoints)
        return most
    }

    /// The same, written by one thread and read by any.
    final class Shared: Sendable {
        private let deliveries = Atomic(0)
        private let bytes = Atomic(0)
        private let encodings = Atomic(0)
        private let points = Atomic(0)

        /// An iteration has ended. On the shard's thread.
        func note(_ work: ShardWork) {
            Self.raise(deliveries, to: work.deliveries)
            Self.raise(bytes, to: work.bytes)
            Self.raise(encodings, to: work.encodings)
        }

        /// The points of an iteration are complete when the next begins. On the shard's thread.
        func notePoints(_ work: ShardWork) { Self.raise(points, to: work.points) }

        var value: ShardStatistics {
            var value = ShardStatistics()
            value.mostDeliveries = deliveries.load(ordering: .relaxed)
            value.mostBytes = bytes.load(ordering: .relaxed)
            value.mostEncodings = encodings.load(ordering: .relaxed)
            value.mostPoints = points.load(ordering: .relaxed)
            return value
        }

        private static func raise(_ most: borrowing Atomic<Int>, to count: Int) {
            if count > most.load(ordering: .relaxed) { most.store(count, ordering: .relaxed) }
        }
    }
}
