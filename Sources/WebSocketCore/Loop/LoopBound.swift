/// Lets a value that belongs to one loop be named elsewhere, to be used on that loop's thread only.
public struct LoopBound<Value>: @unchecked Sendable {
    /// The value; touch it in ``WebSocketLoop/execute(_:)`` of its loop, or where the loop calls.
    public let value: Value

    /// Wraps a value that belongs to a loop.
    public init(_ value: Value) { self.value = value }
}
