import NIOCore
import WebSocketCore

/// An event loop of SwiftNIO's, as the sessions of its connections see it.
final class NIOWebSocketLoop: WebSocketLoop {
    let locals = LoopLocals()
    private let eventLoop: any EventLoop
    private let afterPoll: NIOLoopBound<AfterPoll>
    /// On the loop's thread.
    nonisolated(unsafe) private(set) var holdsLargeMessages = false

    /// Call it on the loop.
    init(_ eventLoop: any EventLoop, afterPoll: AfterPoll? = nil) {
        self.eventLoop = eventLoop
        self.afterPoll = NIOLoopBound(afterPoll ?? AfterPoll(eventLoop), eventLoop: eventLoop)
    }

    func execute(_ task: @escaping @Sendable () -> Void) { eventLoop.execute(task) }

    /// On the loop's thread.
    nonisolated(unsafe) var isCrowded = false
    /// On the loop's thread.
    nonisolated(unsafe) var isWritingLargeMessages = false

    func holdLargeMessages(_ isOn: Bool) { holdsLargeMessages = isOn }

    /// On the loop's thread.
    nonisolated(unsafe) private(set) var isQueuingForMany = false

    func queuesForMany(_ isOn: Bool) { isQueuingForMany = isOn }

    func executeAfterInput(_ task: @escaping @Sendable () -> Void) {
        afterPoll.value.execute(task)
    }
}
