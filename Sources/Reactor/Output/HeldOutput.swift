#if os(Linux)
/// The memory that a loop's backlogs take: what several of them hold counts once.
///
/// Confined to its loop's thread.
final class HeldOutput {
    /// Bytes in all.
    private(set) var bytes = 0
    /// How many backlogs hold each object.
    private var holders: [ObjectIdentifier: Int] = [:]

    /// What backlogs have dropped and nothing has let go of yet, each from an index on.
    private var discarded: [(segments: [OutputSegment], head: Int)] = []
    private let releasesAtOnce: Int

    /// - Parameter releasesAtOnce: so few segments are let go of as soon as a backlog drops them.
    init(releasesAtOnce: Int = .max) { self.releasesAtOnce = releasesAtOnce }

    /// Whether there is something to ``release(atMost:)``.
    var hasDiscarded: Bool { !discarded.isEmpty }

    /// Takes over what a backlog has dropped, from the segment at `head` on. A backlog can have ten thousand small frames,
    /// and hundreds of them end together: few are let go of at once, and more by ``release(atMost:)``.
    func discard(_ segments: [OutputSegment], from head: Int) {
        guard segments.count - head > releasesAtOnce else {
            for segment in segments.dropFirst(head) { segment.leave(self) }
            return
        }
        discarded.append((segments, head))
    }

    /// Lets go of dropped segments.
    ///
    /// - Returns: how many they were, `count` at most.
    @discardableResult
    func release(atMost count: Int) -> Int {
        var left = count
        while left > 0, let last = discarded.indices.last {
            while left > 0, discarded[last].segments.count > discarded[last].head {
                discarded[last].segments.removeLast().leave(self)
                left -= 1
            }
            if discarded[last].segments.count == discarded[last].head { discarded.removeLast() }
        }
        return count - left
    }

    /// Enters what was dropped into other books, for a check of its own.
    func recountDiscarded(into books: HeldOutput) {
        for (segments, head) in discarded {
            for segment in segments.dropFirst(head) { segment.enter(into: books) }
        }
    }

    /// The bytes that a backlog holds alone change by `change`.
    func own(_ change: Int) { bytes &+= change }

    /// One more backlog holds an object of `count` bytes.
    func retain(_ object: AnyObject, bytes count: Int) {
        let before = holders[ObjectIdentifier(object), default: 0]
        holders[ObjectIdentifier(object)] = before + 1
        if before == 0 { bytes &+= count }
    }

    /// Whether more than one backlog holds it.
    func isShared(_ object: AnyObject) -> Bool { holders[ObjectIdentifier(object), default: 0] > 1 }

    /// A backlog lets go of an object of `count` bytes.
    func release(_ object: AnyObject, bytes count: Int) {
        guard let before = holders[ObjectIdentifier(object)] else { return assertionFailure("nothing holds it") }
        holders[ObjectIdentifier(object)] = before > 1 ? before - 1 : nil
        if before == 1 { bytes &-= count }
    }
}

/// The bytes of a run that several connections share, out of the arena, which begins again before they have left.
final class HeldRun {
    let bytes: [UInt8]

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = [UInt8](bytes) }
}

@available(*, unavailable)
extension HeldOutput: Sendable {}
@available(*, unavailable)
extension HeldRun: Sendable {}
#endif
