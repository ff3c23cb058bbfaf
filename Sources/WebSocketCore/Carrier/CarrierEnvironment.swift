/// What all carriers of a server share: the node's budgets, and who is told of slow readers.
public struct CarrierEnvironment: Sendable {
    /// Memory of the node for what slow readers have not taken.
    public var outputBudget: OutputBudget
    /// Memory for messages that are not complete yet, in bytes; of each carrier.
    public var assemblyBudget: Int
    /// Called when a reader is cut off because it does not keep up. On the connection's loop; it must not block.
    public var onSlowReader: @Sendable (SlowReader) -> Void
    /// Called when a connection is closed because of what its peer did or because of the session's choice. On the
    /// connection's loop; it must not block.
    public var onRefusal: @Sendable (Refusal) -> Void

    /// Composes an environment.
    public init(
        outputBudget: OutputBudget = OutputBudget(bytes: 256 << 20), assemblyBudget: Int = 256 << 20,
        onSlowReader: @escaping @Sendable (SlowReader) -> Void = { _ in },
        onRefusal: @escaping @Sendable (Refusal) -> Void = { _ in }
    ) {
        self.outputBudget = outputBudget
        self.assemblyBudget = assemblyBudget
        self.onSlowReader = onSlowReader
        self.onRefusal = onRefusal
    }
}
