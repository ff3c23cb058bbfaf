/// Why an engine could not do what it was asked.
public struct EngineError: Error, Hashable, Sendable {
    private enum Reason: Hashable, Sendable {
        case unavailable
        case overloaded
        case keyWasUsed
        case full
    }

    private let reason: Reason

    /// It can not be reached. A publish is then wholly there or wholly absent: repeat it with its idempotency key.
    public static let unavailable = EngineError(reason: .unavailable)
    /// It takes no more for the moment; nothing was kept. Come back in a second.
    public static let overloaded = EngineError(reason: .overloaded)
    /// The idempotency key stands for another request.
    public static let keyWasUsed = EngineError(reason: .keyWasUsed)
    /// The channel has as many present users as it may have.
    public static let full = EngineError(reason: .full)
}
