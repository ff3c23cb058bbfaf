/// What all carriers of a server share: the node's budgets, and who is told of slow readers.
public struct CarrierEnvironment: Sendable {
    /// Memory of the node for what slow readers have not taken.
    public var outputBudget: OutputBudget
    /// Memory for messages that are not complete yet, in bytes; of each carrier.
    public var assemblyBudget: Int
    /// Called when a reader is cut off because it does not keep up. On the connection's loop; it must not block.
    public var onSlowReader: @Sendable (SlowReader) -> Void

    /// Composes an environment.
    public init(
        outputBudget: OutputBudget = OutputBudget(bytes: 256 << 20), assemblyBudget: Int = 512 << 20,
        onSlowReader: @escaping @Sendable (SlowReader) -> Void = { _ in }
    ) {
        self.outputBudget = outputBudget
        self.assemblyBudget = assemblyBudget
        self.onSlowReader = onSlowReader
    }
}
