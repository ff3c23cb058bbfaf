/// A limit of a ``MemoryStore`` that a namespace has met.
public enum StoreLimit: String, Hashable, Sendable, CaseIterable {
    /// Its oldest publications were dropped because everything kept is above ``MemoryStore/Options/historyBudget``.
    case history
    /// Its channels that were unused for the longest time have lost their positions.
    case positions
    /// A request was refused because its namespace has no room for its idempotency key.
    case keys
}
