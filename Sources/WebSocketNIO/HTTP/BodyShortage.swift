/// Why there is no memory for the body of a request; see ``WebSocketServerConfiguration/bodyBudget``.
public enum BodyShortage: Error, Hashable, Sendable {
    /// The bodies of all owners together have taken the budget.
    case budget
    /// The owner has half of what the others leave.
    case share
}
