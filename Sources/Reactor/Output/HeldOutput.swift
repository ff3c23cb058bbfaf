#if os(Linux)
/// The memory that a loop's backlogs take: what several of them hold counts once.
///
/// Confined to its loop's thread.
final class HeldOutput {
    /// Bytes in all.
    private(set) var bytes = 0
    /// How many backlogs hold each object.
    private var holders: [ObjectIdentifier: Int] = [:]

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
