#if os(Linux)
/// Bugs in a loop's memory that can be switched on, one at a time, to see whether the model test finds them.
///
/// In release builds every question is the constant `false`, and nothing of them is left.
enum PlantedLoopBug: String, CaseIterable, Sendable {
    // Slots.
    /// A condemned slot keeps its output when it is taken off the list of those that are written to.
    case keepOutputOfCondemned
    /// A slot is released while the list of those that are written to names it.
    case releaseTouched
    /// A slot whose connection has ended while it was on that list is never released.
    case neverReleaseTouched
    /// A condemned slot is sent things as any other.
    case sendToCondemned
    /// The slot of a connection that has ended stays on the timer wheel.
    case keepTimer
    /// What waited for a connection that has ended counts for ever.
    case keepBacklogBytes
    /// The unfinished message of a connection that has ended counts for ever.
    case keepAssemblingBytes

    // The arena.
    /// The arena takes any number of bytes.
    case endlessArena
    /// The list of runs takes one more than it has room for.
    case oneRunTooMany
    /// The run that was begun last by a shared frame outlives its arena.
    case keepLastRoot
    /// A connection's own run gives back the bytes that it has in common with others.
    case rewindShared
    /// A run that goes on elsewhere leaves its beginning behind.
    case moveWithoutBytes
    /// A run that several connections have is extended for all of them.
    case extendForAll
    /// What has left of a run leaves again when the rest has to wait.
    case sendTwice

    #if DEBUG
    /// The one that is switched on: in a process that does nothing else.
    nonisolated(unsafe) static var current: PlantedLoopBug?

    static func isOn(_ bug: PlantedLoopBug) -> Bool { current == bug }
    #else
    @inline(__always) static func isOn(_ bug: PlantedLoopBug) -> Bool { false }
    #endif
}
#endif
