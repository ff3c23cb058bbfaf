/// One value for each loop, made when a loop first asks: a shard, a pool, a table of codecs.
///
/// Keep one of these for as long as the loops run; its values live as long as their loops.
public final class LoopLocal<Value: AnyObject>: Sendable {
    private let make: @Sendable (any WebSocketLoop) -> Value

    /// - Parameter make: makes a loop's value, on that loop's thread.
    public init(_ make: @escaping @Sendable (any WebSocketLoop) -> Value) { self.make = make }

    /// The value of this loop; on its thread only.
    public func value(on loop: any WebSocketLoop) -> Value {
        if let value = loop.locals[self] as? Value { return value }
        let value = make(loop)
        loop.locals[self] = value
        return value
    }
}
