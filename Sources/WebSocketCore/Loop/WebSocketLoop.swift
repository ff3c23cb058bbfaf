/// The loop that serves a connection: one thread, on which everything about its connections happens.
///
/// Sessions are made and called on it, so that they need no lock; who is on another thread asks it to ``execute(_:)``.
public protocol WebSocketLoop: AnyObject, Sendable {
    /// Runs a task on the loop's thread soon, after what was asked before; at once never. Any thread.
    func execute(_ task: @escaping @Sendable () -> Void)

    /// Runs a task on the loop's thread when it has served its sockets once more: how long work goes on in pieces. On the
    /// loop's thread.
    func executeAfterInput(_ task: @escaping @Sendable () -> Void)

    /// Whether so much is queued that it should be written before more is: the loop goes on with its work in pieces in
    /// one of its next turns. On the loop's thread.
    var isCrowded: Bool { get }

    /// What is queued from now on goes to many connections (`true`), or to few again (`false`). Of what the loop writes
    /// before it looks at its sockets again, half is for those that few were queued something with: a quiet room does not
    /// wait until a channel of ten thousand was written to. On the loop's thread.
    func queuesForMany(_ isOn: Bool)

    /// Whether large messages wait to be written: others had better not be queued behind them yet. On the loop's thread.
    var isWritingLargeMessages: Bool { get }

    /// Pauses (`true`) or resumes (`false`) large and compressed messages on this loop; short messages continue. For
    /// sessions whose output from earlier messages is still waiting. On the loop's thread.
    func holdLargeMessages(_ isOn: Bool)

    /// What others keep for this loop, see ``LoopLocal``.
    var locals: LoopLocals { get }
}
