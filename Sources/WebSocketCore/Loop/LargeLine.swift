/// Connections of a loop that wait until their large messages are handled.
///
/// Those that have had ``share`` bytes handled within the last few seconds, or since all who wait have had a turn, stand in a
/// line of their own: a thousand that send large messages without pause do not make one wait a turn of each that sends one
/// now and then. Grows with the connections that wait; confined to its loop's thread.
public struct LargeLine<Element> {
    /// For so long it is remembered at least, in milliseconds.
    static var memory: UInt64 { 2_000 }
    /// Bytes of large messages that a connection has had handled before it is one of the others.
    static var share: Int { 512 << 10 }

    /// How many wait.
    public private(set) var count = 0
    private var modest = WaitingLine<Element>()
    private var others = WaitingLine<Element>()
    /// Bytes that were handled for each connection since ``since``, and in the time before.
    private var recent: [UInt: Int] = [:]
    private var earlier: [UInt: Int] = [:]
    private var since = MonotonicInstant(milliseconds: 0)
    private var last = MonotonicInstant(milliseconds: 0)
    /// How many of those that waited at that time have not had their turn.
    private var owed = 0

    /// An empty line.
    public init() {}

    /// Whether nobody waits. In every tick.
    @inlinable public var isEmpty: Bool { count == 0 }

    /// Puts a connection at the end.
    ///
    /// - Parameter id: tells it from the others that are open.
    public mutating func append(_ element: Element, id: UInt) {
        count += 1
        let handled = recent[id, default: 0] &+ earlier[id, default: 0]
        if handled >= Self.share { others.append(element) } else { modest.append(element) }
    }

    /// The next one.
    ///
    /// - Parameter prefersModest: whether those that have had little come first: for half of what an iteration handles.
    public mutating func popFirst(prefersModest: Bool) -> Element? {
        guard count > 0 else { return nil }
        count -= 1
        if owed > 0 { owed -= 1 }
        return prefersModest ? modest.popFirst() ?? others.popFirst() : others.popFirst() ?? modest.popFirst()
    }

    /// A large message of a connection was handled, or a part of one.
    public mutating func handled(_ bytes: Int, id: UInt, now: MonotonicInstant) {
        if now.since(since) >= Self.memory, owed == 0 {
            owed = count
            earlier = now.since(last) < Self.memory ? recent : [:]
            recent = [:]
            since = now
        }
        last = now
        recent[id, default: 0] &+= bytes
    }
}

@available(*, unavailable)
extension LargeLine: Sendable {}
