/// What goes wrong between one node and the store, at present; shares in 1,000.
struct EngineFaults {
    /// Requests that do not arrive, and as many answers.
    var lost = 0
    /// Messages to sinks that do not arrive.
    var dropped = 0
    /// Messages to sinks that arrive twice.
    var duplicated = 0
    /// Messages that take up to ``longest``.
    var slow = 0
    /// The usual time that a message takes, in microseconds.
    var usual = 400
    /// The longest time that a slow one takes, in microseconds.
    var longest = 3_500_000

    /// What a network does on a good day.
    static let none = EngineFaults()
}
