/// Two lines that know who has had how much lately: connections that wait with large messages, channels that wait with
/// deliveries.
///
/// Modest is who has had less than ``share`` within the last while, and since all who wait have had a turn: a thousand that
/// want something without pause do not make one wait a turn of each that wants something now and then. Grows with those
/// that wait and have had turns; confined to its loop's thread.
public struct FairLine<Element> {
    /// How many wait.
    public private(set) var count = 0
    private let share: Int
    private let memory: UInt64
    private var lines = TwoLines<Element>()
    /// What each has had since ``since``, and in the time before.
    private var recent: [UInt: Int] = [:]
    private var earlier: [UInt: Int] = [:]
    private var since: UInt64 = 0
    private var last: UInt64 = 0
    /// How many of those that waited at that time have not had their turn.
    private var owed = 0

    /// An empty line.
    ///
    /// - Parameters:
    ///   - share: what one has had before it is one of the others, in any unit.
    ///   - memory: for so long it is remembered at least, and at rest for twice as long at most; in the unit of `now`.
    public init(share: Int, memory: UInt64) {
        self.share = share
        self.memory = memory
    }

    /// For the connections of a loop that wait until their large messages are handled: a share of 512 KiB within two
    /// seconds, `now` in milliseconds.
    public static var ofLargeMessages: Self { Self(share: 512 << 10, memory: 2_000) }

    /// Whether nobody waits. In every tick.
    @inlinable public var isEmpty: Bool { count == 0 }

    /// Puts one at the end.
    ///
    /// - Parameter id: tells it from all others that are there.
    public mutating func append(_ element: Element, id: UInt) {
        count += 1
        lines.append(element, isModest: recent[id, default: 0] &+ earlier[id, default: 0] < share)
    }

    /// The next one.
    ///
    /// - Parameters:
    ///   - prefersModest: whether those that have had little come first: for a part of what an iteration does.
    ///   - wantsMuch: whether one that has had little wants more than that by now; it goes to the others.
    public mutating func popFirst(prefersModest: Bool, unless wantsMuch: (Element) -> Bool = { _ in false }) -> Element?
    {
        guard count > 0 else { return nil }
        count -= 1
        if owed > 0 { owed -= 1 }
        return lines.popFirst(prefersModest: prefersModest, unless: wantsMuch)
    }

    /// One has had something.
    public mutating func handled(_ cost: Int, id: UInt, now: UInt64) {
        if now &- since >= memory, owed == 0 {
            owed = count
            earlier = now &- last < memory ? recent : [:]
            recent = [:]
            since = now
        }
        last = now
        recent[id, default: 0] &+= cost
    }

    /// Gives the memory back of what nobody has to remember any more.
    public mutating func forget(now: UInt64) {
        guard count == 0, now &- last >= 2 &* memory else { return }
        (recent, earlier) = ([:], [:])
    }

    /// Of how many something is remembered.
    var remembered: Int { recent.count + earlier.count }
}

@available(*, unavailable)
extension FairLine: Sendable {}
